// Who calls. In an installation the identity provider issues a token to each officer who signs in; signer stands in for it
// with the signing key of a development system. Do not copy it.
package main

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// officer is one who has signed in: the credentials of a call.
type officer struct {
	signer       *signer
	agency, role string
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (o officer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := o.signer.token(o.agency, o.role)
	return map[string]string{"authorization": "Bearer " + token}, err
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (officer) RequireTransportSecurity() bool { return encrypted() }

// signer issues tokens, and keeps those that it has issued: a token that is known need not be verified anew.
type signer struct {
	key    *ecdsa.PrivateKey
	mu     sync.Mutex
	tokens map[string]string
}

func newSigner() (*signer, error) {
	text, err := os.ReadFile(os.Getenv("MOTCUA_SIGNING_KEY"))
	if err != nil {
		return nil, fmt.Errorf("MOTCUA_SIGNING_KEY: %w", err)
	}
	key, err := jwt.ParseECPrivateKeyFromPEM(text)
	if err != nil {
		return nil, fmt.Errorf("MOTCUA_SIGNING_KEY: %w", err)
	}
	return &signer{key: key, tokens: map[string]string{}}, nil
}

// token is that of an agency's officer who has one role; named as in deploy/reference/officers.yaml.
func (s *signer) token(agency, role string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := agency + "-" + role
	if token, ok := s.tokens[id]; ok {
		return token, nil
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
		"iss": "motcua", "aud": "motcua", "sub": id, "kind": "officer", "agency": agency, "roles": []string{role},
		"exp": time.Now().Add(time.Hour).Unix(),
	})
	unsigned.Header["kid"] = os.Getenv("MOTCUA_SIGNING_KID")
	token, err := unsigned.SignedString(s.key)
	if err == nil {
		s.tokens[id] = token
	}
	return token, err
}
