/* Written by sigv4_vectors.py: requests as botocore, out of Debian's awscli, signs them. */
/* clang-format off */
#define VECTOR_TIME 1795348800
#define VECTOR_ACCESS_KEY "AKIAREHEARSALEXAMPLE"
#define VECTOR_SECRET_KEY "rehearsal/secret+key/of/no/account+00000"

static const struct vector {
	const char *name, *method, *target, *body, *token;
	struct rest_header headers[8];
} vectors[] = {
	{ "GET without anything", "GET", "/registrationcode",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=dc0c5d8c5070c8803d843d3927b09f83fc183adaed3b04eff21a194ed7f30e74" },
	  } },
	{ "scope iot", "GET", "/registrationcode",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=d892d80cd83719d0a3868cd77046807c6897cf98864a1fcbc74e23a449f1dafe" },
	  } },
	{ "another region", "GET", "/endpoint",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/us-gov-west-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=b623a680f00bbec93c5c944918aa748bdb5864f37f54f58dc97cd37c6f275b53" },
	  } },
	{ "query out of order", "POST", "/cacertificate?setAsActive=true&allowAutoRegistration=false",
	  "{\"caCertificate\": \"x\"}", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "Content-Type", "application/json" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=967467c2bde123e8a911594a53f1d4154e73c5fcdca4f0e71a35c9c11e4e3cd5" },
	  } },
	{ "marker with + / =", "GET", "/certificates?marker=%2B%2F%2BAA%3D%3D&pageSize=25",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=e877807ad15552a785f7dea107c1bcb35bb6705f0c608bc69a9f7a8a1df2ad8a" },
	  } },
	{ "same name twice", "GET", "/certificates?a=2&a=1&b=&A=3",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=8fe435ff1842bf09eb4bc35b25aea7206463c691ff0a8b3561f2b6b857667b84" },
	  } },
	{ "bytes above 0x7f", "GET", "/certificates?a=%C3%A9&%C3%A9=a",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=b1a21a09591330acc8eea38f9400847baf7ebbc99992b9ae2d4b591c1c4d6bef" },
	  } },
	{ "ARN in the path", "POST", "/attached-policies/arn%3Aaws%3Aiot%3Aeu-central-1%3A123456789012%3Acert%2Fabc?recursive=true",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=54ef65cd5e448cff4cb276486424551e97f23e5521f5f4b28d6cb3e2e893bae7" },
	  } },
	{ "blank in the path", "GET", "/things/a%20b",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=307dc460c393837ea18f4c6f5ee52f9ae801b0b04cd704fefae366b526239e23" },
	  } },
	{ "odd but unreserved", "GET", "/things/a~b-c_d.e",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=b8f507421880493882ad4b6db8db0efa8fa69b85bbe01cc4cfdc9c0f7e8ee9dd" },
	  } },
	{ "header with blanks", "PUT", "/principal-policies/p",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "x-amzn-iot-principal", "  arn:aws:iot:   a  b " },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date;x-amzn-iot-principal, Signature=33113bf0b04e1ecfb5298bf4d9fecf46f65224a09a1937872ee3605a72371b81" },
	  } },
	{ "PUT with {}", "PUT", "/cacertificate/abc?newStatus=ACTIVE",
	  "{}", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "Content-Type", "application/json" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=a9a8463eced6a99be01e92fd4f069fae16ca86caf490c118ed2b431a8daff1c4" },
	  } },
	{ "session token", "GET", "/registrationcode",
	  "", "FwoGZXIvYXdzEXAMPLE+/==",
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "X-Amz-Security-Token", "FwoGZXIvYXdzEXAMPLE+/==" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=a05d9570cde2bcb8fbaf31480b7b5b5f76e06f64aaee73307783b540c8b512f4" },
	  } },
	{ "body's hash in a header", "POST", "/policies/p",
	  "{\"policyDocument\": \"{}\"}", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Content-SHA256", "0021ef067c23f51a0ca6aa441c1b3a0984c2c52b9b2af621e2f82c403cde3350" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=a224d7dadc066da8478979ab6416847751baa4251f6a4ad32e3e39b840708cf8" },
	  } },
	{ "path with dots", "GET", "/a/./b/../c//d/",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=32b4fbd2792ae245747a90466b5b8016203cf80acac049995b13c75bc0f70379" },
	  } },
	{ "only a slash", "GET", "/",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/iot/aws4_request, SignedHeaders=host;x-amz-date, Signature=12db882a43c5bf89b1f1cf5eecc69617dfa75888b1e84f3bf447b7278a710704" },
	  } },
	{ "s3 object", "PUT", "/s3/bucket/a%20key%2B/x.json",
	  "data", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "Content-Type", "text/plain" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "X-Amz-Content-SHA256", "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/s3/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=91ad6ad66fbf114691c5555a11fdf9d91db9ae6fcc0323b3ecc483cc445b588e" },
	  } },
	{ "s3, two slashes", "GET", "/s3/bucket//a/../b",
	  "", NULL,
	  {
		  { "Host", "127.0.0.1:8080" },
		  { "X-Amz-Date", "20261122T120000Z" },
		  { "X-Amz-Content-SHA256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		  { "Authorization", "AWS4-HMAC-SHA256 Credential=AKIAREHEARSALEXAMPLE/20261122/eu-central-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=2cfa305783539003ccf24916ed974414e3e564dedba2a9008b2414f9f7d3e1a5" },
	  } },
};
