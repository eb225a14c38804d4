package vn.motcua.example;

import io.grpc.CallCredentials;
import io.grpc.Metadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;

/**
 * Who calls. In an installation the identity provider issues a token to each officer who signs in; this class stands in for
 * it with the signing key of a development system. Do not copy it, but {@link BearerToken}.
 */
final class SignIn {
  private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

  private final PrivateKey key;
  private final String keyId;
  // Those that were issued: services know a token again, and need not verify it anew.
  private final Map<String, BearerToken> tokens = new ConcurrentHashMap<>();

  private SignIn(PrivateKey key, String keyId) {
    this.key = key;
    this.keyId = keyId;
  }

  /** With the key that MOTCUA_SIGNING_KEY and MOTCUA_SIGNING_KID name. */
  static SignIn load() throws IOException, GeneralSecurityException {
    String file = System.getenv("MOTCUA_SIGNING_KEY");
    if (file == null) throw new IllegalStateException("set MOTCUA_SIGNING_KEY, a P-256 private key in PEM");
    String base64 = Files.readString(Path.of(file)).replaceAll("-----[A-Z ]+-----|\\s", "");
    PrivateKey key =
        KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64)));
    return new SignIn(key, System.getenv("MOTCUA_SIGNING_KID"));
  }

  /** As an agency's officer who has one role; named as in deploy/reference/officers.yaml. */
  CallCredentials as(String agency, String role) {
    return tokens.computeIfAbsent(agency + "-" + role, id -> new BearerToken(issue(id, agency, role)));
  }

  /** A JSON Web Token, ES256 (RFC 7518, 3.4). */
  private String issue(String id, String agency, String role) {
    String header = """
        {"alg": "ES256", "typ": "JWT", "kid": "%s"}""".formatted(keyId);
    String claims = """
        {"iss": "motcua", "aud": "motcua", "sub": "%s", "kind": "officer", "agency": "%s", "roles": ["%s"], "exp": %d}"""
        .formatted(id, agency, role, Instant.now().plusSeconds(3600).getEpochSecond());
    String text = encode(header.getBytes(StandardCharsets.UTF_8)) + "." + encode(claims.getBytes(StandardCharsets.UTF_8));
    try {
      Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
      signature.initSign(key);
      signature.update(text.getBytes(StandardCharsets.US_ASCII));
      return text + "." + encode(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("cannot sign with MOTCUA_SIGNING_KEY", e);
    }
  }

  private static String encode(byte[] bytes) {
    return BASE64.encodeToString(bytes);
  }

  /** A token as credentials of a call. */
  private static final class BearerToken extends CallCredentials {
    private static final Metadata.Key<String> AUTHORIZATION =
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private final String token;

    BearerToken(String token) {
      this.token = token;
    }

    @Override
    public void applyRequestMetadata(RequestInfo request, Executor executor, MetadataApplier applier) {
      Metadata headers = new Metadata();
      headers.put(AUTHORIZATION, "Bearer " + token);
      applier.apply(headers);
    }

    @Override
    public void thisUsesUnstableApi() {}
  }
}
