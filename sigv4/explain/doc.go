// Package explain says why a signed S3 request was refused.
//
// A signature is an HMAC over a text that client and server each build from the
// request, the canonical request. If the texts differ in one byte the server
// answers SignatureDoesNotMatch, and the client cannot see why. Explain takes what
// there is, in any combination: the request as it was sent, the client's own
// canonical request and string to sign, the server's answer, the credentials. It
// compares part by part and names each mistake that it knows, with what is wrong,
// why that matters and what to change.
//
// # What is compared
//
// Package sigv4 has the rules of S3. With them the canonical request that S3 makes
// of a request follows from the request as it was sent. An answer of S3 often
// holds S3's own, as text and as bytes; the bytes count. The client's canonical
// request is compared with the server's, else with the one that follows from the
// request, else it is held to the rules by itself. If the client's is not known,
// the request is compared with the server's, which shows what was changed on the
// way.
//
// With the credentials the signature is computed anew. If it is not the one that
// was sent, the known mistakes are made on purpose, one at a time and then two at a
// time, until one makes the signature that was sent. That works with servers that
// tell nothing, such as MinIO.
//
// # How certain
//
// A finding is Shown if the server's own view or a reproduced signature proves it,
// Rule if a rule of S3 is broken, Likely if that usually is the reason. A report has
// them in this order, and within it in the order of the parts of a signature: the
// first finding is the one to mend first.
//
// # What can be read
//
// A request and an answer: as raw HTTP/1.x, its lines ended by LF or CRLF; as
// `curl -v` prints them; as the debug lines of Python's http.client ("send:
// b'...'", "reply: '...'"); as botocore logs them when debugging (the AWS CLI,
// boto3), its own texts included; of the answer the XML alone. A request can be a
// presigned URL alone; its method is then not known. Of several requests in one
// text the last counts. The client's texts may be indented as a whole, or written as
// Python's repr writes them. A file that an editor ended with a line end is read as if
// it were without; where the string to sign or the signature shows that the line
// end was hashed, that is a finding.
//
// # What is never shown
//
// Of a signature no more than its first four digits, of a session token its length
// and first four characters, of a secret nothing, whether in findings, in JSON or
// in errors. A signature that is computed here is compared and forgotten.
//
// # Not done
//
// Signatures of chunks, form uploads (POST policies), SigV4a, and version 2, which
// is recognised and no more. Nothing is sent, nothing is looked up, and no clock is
// read.
package explain
