module motcua.vn/examples/go

go 1.22

require (
	github.com/golang-jwt/jwt/v5 v5.2.2
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250106144421-5f5ef82da422
	google.golang.org/grpc v1.64.1
	motcua.vn/contract v0.0.0
)

require (
	golang.org/x/net v0.26.0 // indirect
	golang.org/x/sys v0.21.0 // indirect
	golang.org/x/text v0.16.0 // indirect
	google.golang.org/protobuf v1.36.1 // indirect
)

// Made of proto/ by run.
replace motcua.vn/contract => ../../../build/clients/go
