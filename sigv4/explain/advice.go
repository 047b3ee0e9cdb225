package explain

// An advice is what is said of a cause. {name} is the name of the header.
type advice struct {
	part           Part
	what, why, fix string
}

const (
	escapeRule = "S3 escapes every byte but A-Z a-z 0-9 - . _ ~ as %XX with capital digits, once; in a path the slash stays too."
	queryRule  = "Write each parameter as name=value, both escaped once (blank is %20, slash is %2F), and sort them by name, then value, as bytes."
	onTheWay   = "A proxy, a load balancer or the HTTP library set it after the signature was made."
)

// causes say what each cause means and what helps.
var causes = map[string]advice{
	CauseUnsigned:      {PartRequest, "The request is not signed.", "It has neither an Authorization header nor the parameters of a presigned URL.", "Send the Authorization header; see that a redirect or a proxy does not drop it."},
	CauseV2:            {PartAlgorithm, "The request is signed with signature version 2.", "S3 takes only AWS4-HMAC-SHA256 in all regions that opened since 2014, and many servers never took version 2.", "Sign with version 4; in a library look for the option signature version s3v4."},
	CauseTwoSignatures: {PartRequest, "The request holds two signatures, one in the Authorization header and one in the URL.", "S3 takes one way of signing only.", "Send a presigned URL without an Authorization header."},
	CauseAuthorization: {PartSignature, "A part of the signature's statement is missing: {name}.", "S3 wants Credential, SignedHeaders and Signature, or in a URL the X-Amz parameters.", "Write Authorization: AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/s3/aws4_request, SignedHeaders=host;..., Signature=..."},
	CauseAlgorithm:     {PartAlgorithm, "The algorithm is not AWS4-HMAC-SHA256.", "S3 takes no other for signatures of this kind.", "Write AWS4-HMAC-SHA256, in capitals, in the header and in the first line of the string to sign."},

	CauseMethod:          {PartMethod, "The method that was signed is not the one that was sent.", "The method is the first line of the canonical request.", "Sign the method that is sent."},
	CauseMethodCase:      {PartMethod, "The method was signed in small letters.", "The first line of the canonical request is the method as it is sent, in capitals.", "Write it in capitals."},
	CausePresignedMethod: {PartMethod, "The URL was presigned for another method.", "A presigned URL is good for the one method that was signed; a URL for GET cannot be used with HEAD or PUT.", "Make a URL for the method that is sent."},

	CausePathCleaned:   {PartPath, "The path that was signed was cleaned.", "Keys are bytes: a//b, a/./b and a/../b are three keys. S3 never cleans a path; signers for other services do.", "Sign the path as it is sent; turn path normalisation off."},
	CausePathTwice:     {PartPath, "The path that was signed is escaped twice.", "Other services escape the path again for the signature; S3 does not.", "Escape the path once; in a library turn double encoding off for S3."},
	CausePathUnescaped: {PartPath, "The path that was signed is not escaped.", escapeRule, "Escape the path before it is signed, and send it in the same form."},
	CausePathOtherwise: {PartPath, "The path that was signed is escaped in another way than S3 does it.", escapeRule, "Escape with S3's own rule, not with the one for URLs of the library."},
	CausePathPlus:      {PartPath, "The path that was signed has a plus for a blank.", "A plus in a path is a plus. A blank is %20.", "Escape a blank as %20 and a plus as %2B."},
	CausePathSlash:     {PartPath, "The slashes of the path were escaped before it was signed.", "In a path the slash stays as it is.", "Do not escape the slash in the path."},
	CausePathQuery:     {PartPath, "The line of the path holds the query.", "The path ends before the question mark; the query has a line of its own.", "Split the target at the first question mark."},
	CausePathURL:       {PartPath, "The line of the path is a whole URL.", "It is the path only; the host is among the headers.", "Sign the path only."},
	CausePathEmpty:     {PartPath, "The line of the path is empty or does not begin with a slash.", "The path of a bucket's root is /.", "Sign / for an empty path, and begin every path with a slash."},
	CausePathBucket:    {PartPath, "The path was signed with the bucket and sent without, or the other way round.", "S3 takes the path as it is in the request line: without the bucket where the bucket is in the host name.", "Sign the path of the request line."},
	CausePath:          {PartPath, "The path that was signed is another.", "The second line of the canonical request is the path of the request line.", "Sign the path that is sent, byte for byte."},

	CauseMethodChanged: {PartMethod, "The method was changed on the way.", "S3 has another than the one that was sent. A proxy or a redirect changed it.", "Send the request to the server itself, or see that the proxy passes it on as it is."},
	CausePathChanged:   {PartPath, "The path was changed on the way.", "S3 has another than the one that was sent. Proxies clean paths, unescape them, or add a prefix.", "See that the proxy passes the request line on as it is (nginx: proxy_pass without a path), or sign what arrives."},
	CauseQueryChanged:  {PartQuery, "The query was changed on the way.", "S3 has another than the one that was sent. A proxy or the HTTP library added, dropped or rewrote parameters.", "See that the proxy passes the request line on as it is."},

	CauseNoQueryLine:    {PartQuery, "The canonical request has no line for the query.", "The third line is the query, and it is there even if there is none: an empty line. Without it every line that follows stands one too high, and the hash is another.", "Put an empty line after the path when there is no query."},
	CauseQueryDropped:   {PartQuery, "The query was not signed.", "The third line of the canonical request is the query of the request.", queryRule},
	CauseQueryUnsorted:  {PartQuery, "The parameters of the query are not in order.", "They are sorted by name, then by value, as bytes and after escaping: capitals come before small letters.", "Sort the parameters before signing."},
	CauseQueryUnescaped: {PartQuery, "The query that was signed is not escaped.", "In a query every byte but A-Z a-z 0-9 - . _ ~ is %XX with capital digits; the slash too, as %2F.", queryRule},
	CauseQueryTwice:     {PartQuery, "The query that was signed is escaped twice.", "A parameter is escaped once.", "Escape each name and value once; do not escape a query that is escaped already."},
	CauseQueryOtherwise: {PartQuery, "The query that was signed is escaped in another way than S3 does it.", "In a query every byte but A-Z a-z 0-9 - . _ ~ is %XX with capital digits; the slash too, as %2F.", queryRule},
	CauseQueryPlus:      {PartQuery, "The query that was signed has a plus for a blank.", "Form encoding writes + for a blank. In a canonical request it is %20, and a plus is %2B.", "Replace + by %20 after the library has encoded the query."},
	CauseQueryEquals:    {PartQuery, "A parameter without a value was signed without its equals sign.", "?lifecycle is signed as lifecycle=.", "Write an equals sign after every name."},
	CauseQueryMark:      {PartQuery, "The line of the query begins with a question mark.", "The question mark belongs to neither path nor query.", "Leave the question mark out."},
	CauseQuerySignature: {PartQuery, "The signature itself is in the query that was signed.", "X-Amz-Signature is added after signing.", "Sign the query without X-Amz-Signature."},
	CauseQuery:          {PartQuery, "The query that was signed is another.", "The third line of the canonical request is the query of the request, sorted and escaped.", queryRule},

	CauseHostPortMissing: {PartHeader, "The host was signed without its port.", "The Host header that is sent has the port, because it is not the one that http or https implies.", "Sign the Host header as it is sent, with the port."},
	CauseHostPortExtra:   {PartHeader, "The host was signed with a port that is not sent.", "HTTP libraries leave away the port that the scheme implies, 443 or 80.", "Leave the port away when it is the scheme's own."},
	CauseHost:            {PartHeader, "The host that was signed is not the one that arrived.", "S3 takes the Host header as it arrives. A proxy that sets its own, or another name for the same server, makes another signature.", "Sign the host that arrives; let the proxy pass the Host header on."},
	CauseHostUnsigned:    {PartSignedHeaders, "The host is not signed.", "S3 wants host among the signed headers.", "Add host to the canonical headers and to SignedHeaders."},
	CauseHeaderChanged:   {PartHeader, "The header {name} was changed on the way.", "S3 has another value than the one that was sent. " + onTheWay, "Do not sign {name}: leave it out of the canonical headers and of SignedHeaders."},
	CauseHeaderMissing:   {PartHeader, "The canonical request has no line for {name}.", "Every header in SignedHeaders has its line.", "Add the line, or leave {name} out of SignedHeaders."},
	CauseHeaderExtra:     {PartHeader, "The canonical request has a line for {name}, which is not among the signed headers.", "There is a line for each signed header and for no other.", "Add {name} to SignedHeaders, or leave the line out."},
	CauseHeaderBlanks:    {PartHeader, "The value of {name} was signed with blanks too many.", "Blanks at the ends are dropped, and several in a row become one.", "Trim values, and write name:value without a blank after the colon."},
	CauseHeaderNameCase:  {PartHeader, "The name of {name} is not in small letters.", "Names of headers are in small letters in the canonical request.", "Write the name in small letters."},
	CauseHeadersUnsorted: {PartHeader, "The lines of the headers are not in order.", "They are sorted by name.", "Sort the headers by their names in small letters."},
	CauseHeader:          {PartHeader, "The value of {name} that was signed is another.", "The line holds the header as it is sent, trimmed.", "Sign the value that is sent, or leave {name} out of SignedHeaders."},
	CauseHeaderUnsigned:  {PartSignedHeaders, "The header {name} is sent and not signed.", "S3 wants every x-amz- header signed.", "Add {name} to the canonical headers and to SignedHeaders."},
	CauseHeaderNotSent:   {PartHeader, "The header {name} is signed and not sent.", "S3 takes it as empty, so the signature is another.", "Send {name}, or leave it out of SignedHeaders."},
	CauseHeaderFragile:   {PartSignedHeaders, "The header {name} is signed, and such headers are changed on the way.", "Proxies, load balancers and HTTP libraries set it anew.", "Do not sign {name}."},

	CauseNamesUnsorted:  {PartSignedHeaders, "The names of the signed headers are not in order.", "They are sorted, as the lines of the headers are.", "Sort the names."},
	CauseNamesCase:      {PartSignedHeaders, "The names of the signed headers are not in small letters.", "They are, as in the lines of the headers.", "Write them in small letters."},
	CauseNamesSeparator: {PartSignedHeaders, "The names of the signed headers are not joined with a semicolon.", "The list is written as host;x-amz-date.", "Join the names with a semicolon and without blanks."},
	CauseNames:          {PartSignedHeaders, "The list of the signed headers is another.", "It is one and the same in SignedHeaders and in the canonical request, and it names the headers that have a line.", "Make the list from the lines, once, and use it in both places."},

	CausePayloadMismatch:  {PartPayloadHash, "The last line of the canonical request is not the x-amz-content-sha256 of the request.", "S3 takes the value of that header for the line, whatever the body is.", "Write one value in both places: the SHA-256 of the body in small hexadecimal digits, or UNSIGNED-PAYLOAD."},
	CausePayloadCase:      {PartPayloadHash, "The hash of the payload is in capital digits.", "Hexadecimal digits are small there.", "Write small digits, in the header and in the canonical request."},
	CausePayloadMissing:   {PartPayloadHash, "The header x-amz-content-sha256 is missing.", "S3 refuses a request signed in its header that does not state the hash of the body.", "Send x-amz-content-sha256 and sign it; its value is also the last line of the canonical request."},
	CausePayloadUnsigned:  {PartPayloadHash, "The header x-amz-content-sha256 is sent and not signed.", "S3 wants every x-amz- header signed.", "Add x-amz-content-sha256 to the canonical headers and to SignedHeaders."},
	CausePayloadLine:      {PartPayloadHash, "The canonical request has no line for the payload.", "Its last line is the hash of the body, which is there for no body too.", "End it with the value of x-amz-content-sha256."},
	CausePayloadMalformed: {PartPayloadHash, "The value of x-amz-content-sha256 is neither a hash nor a word that S3 knows.", "It is 64 hexadecimal digits, UNSIGNED-PAYLOAD, or one of the STREAMING- words.", "State the SHA-256 of the body in small hexadecimal digits."},
	CausePayloadDiffers:   {PartPayload, "The body is not the one whose hash x-amz-content-sha256 states.", "The server hashes what arrives and compares.", "Hash the bytes that are sent, after encoding and compression; state that of nothing for no body."},
	CauseBlankLine:        {PartCanonical, "The canonical request has no empty line after the headers.", "Every line of a header ends with a line end, and one more follows.", "Put an empty line between the headers and the list of their names."},
	CauseHashCRLF:         {PartCanonical, "The canonical request was hashed with CRLF at the ends of its lines.", "Its lines end in LF alone.", "Join the lines with \\n; open files in binary mode."},
	CauseHashNewline:      {PartCanonical, "The canonical request was hashed with a line end after its last line.", "Nothing follows the hash of the payload.", "Leave the last line end away; in a shell use printf and not echo."},
	CauseHashUTF16:        {PartCanonical, "The canonical request was hashed as UTF-16.", "The hash is over bytes, and the text is UTF-8.", "Encode the text as UTF-8 before hashing; mind .NET's Encoding.Unicode and JavaScript's strings."},
	CauseHashIndented:     {PartCanonical, "The canonical request was hashed with its lines indented.", "A text between three quotation marks has the blanks that the source code has before each line.", "Join the lines with \\n, or remove the indentation (textwrap.dedent)."},
	CauseHashBackslash:    {PartCanonical, "The canonical request was hashed with a backslash and an n where lines end.", "Between single quotation marks, and in a shell, \\n is two characters.", "Use a real line feed: double quotation marks in PHP, Perl and Ruby, $'\\n' or printf in a shell."},
	CauseHashTwice:        {PartCanonical, "The canonical request was hashed twice.", "The string to sign holds the hash of the text, in hexadecimal, once.", "Hash the text once."},
	CauseHashCase:         {PartStringToSign, "The hash in the string to sign is in capital digits.", "Hexadecimal digits are small there.", "Write small digits."},
	CauseHash:             {PartCanonical, "The hash in the string to sign is not that of the canonical request.", "Its last line is the SHA-256 of the canonical request as UTF-8 bytes, in small hexadecimal digits.", "Print what is hashed, byte for byte, and compare it with the canonical request."},
	CauseStringNewline:    {PartStringToSign, "The string to sign was signed with a line end after its last line.", "Nothing follows the hash.", "Leave the last line end away; in a shell use printf and not echo."},
	CauseStringCRLF:       {PartStringToSign, "The string to sign was signed with CRLF at the ends of its lines.", "Its lines end in LF alone.", "Join the lines with \\n."},
	CauseStringUTF16:      {PartStringToSign, "The string to sign was signed as UTF-16.", "The HMAC is over bytes, and the text is UTF-8.", "Encode the text as UTF-8."},
	CauseDate:             {PartDate, "The date in the string to sign is not the x-amz-date of the request.", "Its second line is that header's value.", "Read the clock once, and use that time everywhere."},
	CauseDateMissing:      {PartDate, "The request says no time.", "S3 wants X-Amz-Date.", "Send X-Amz-Date, as 20130524T000000Z, and sign it."},
	CauseDateMalformed:    {PartDate, "The date of the request is not written as S3 wants it.", "It is written as 20130524T000000Z, in UTC.", "Write it so."},
	CauseScopeDate:        {PartScope, "The day in the scope is not that of x-amz-date.", "Both are one reading of the clock, in UTC.", "Read the clock once, in UTC; make the day from x-amz-date's first eight digits."},
	CauseScopeMalformed:   {PartScope, "The scope is not written as S3 wants it.", "It is DAY/REGION/SERVICE/aws4_request.", "Write it as 20130524/us-east-1/s3/aws4_request."},
	CauseScope:            {PartScope, "The scope in the string to sign is not that of the Credential.", "The third line of the string to sign is the Credential without the key id.", "Make the scope once and use it in both places."},
	CauseRegion:           {PartRegion, "The request is signed for another region than the bucket's.", "The region is part of the scope and of the signing key.", "Sign for the region of the bucket."},
	CauseService:          {PartScope, "The request is signed for another service than s3.", "The service is part of the scope and of the signing key.", "Sign for the service s3."},
	CauseCredential:       {PartCredential, "The Credential is not written as S3 wants it.", "It is KEY/DAY/REGION/SERVICE/aws4_request.", "Write it so; mind that in a URL each slash is %2F."},
	CauseOtherKey:         {PartCredential, "The request names another access key than the credentials given here.", "A signature is checked with the secret of the key that the request names.", "Use one pair of key id and secret; look for another profile or variable that wins."},
	CauseUnknownKey:       {PartCredential, "The server does not know the access key.", "It is deleted, inactive, misspelt, or of another server or partition.", "Check the access key id and the endpoint; temporary keys also need their session token."},

	CauseKeyPrefix:      {PartKey, "The signing key was made without AWS4 before the secret.", "The first key is the text AWS4 followed by the secret.", "Begin with HMAC(\"AWS4\" + secret, day)."},
	CauseKeySteps:       {PartKey, "The steps of the signing key are in another order.", "The order is day, region, service, aws4_request.", "Take the steps in that order."},
	CauseKeyStepMissing: {PartKey, "A step of the signing key is missing.", "There are four: day, region, service, aws4_request.", "Take all four steps, in that order."},
	CauseKeyHex:         {PartKey, "The signing key was made of hexadecimal text where bytes belong.", "Each step's key is the 32 bytes of the step before. Only the signature itself becomes hexadecimal.", "Use the digest, not the hexdigest, in all steps but the last."},
	CauseKeyDate:        {PartKey, "The signing key was made for another day than the scope says.", "The first step signs the day of the scope, eight digits in UTC.", "Use the first eight digits of x-amz-date; make the key anew after midnight UTC."},
	CauseKeyRegion:      {PartKey, "The signing key was made for another region than the scope says.", "The second step signs the region of the scope.", "Use one region in both places."},
	CauseKeyService:     {PartKey, "The signing key was made for another service than the scope says.", "The third step signs the service of the scope, s3.", "Use one service in both places."},
	CauseKeyArguments:   {PartKey, "Key and message of the HMAC are swapped.", "The key is the result of the step before, the message is the text.", "Swap the arguments of the HMAC."},

	CauseSecretBlank:   {PartSecret, "The secret was used with a blank at its end or beginning, or without one that it has.", "Every byte of the secret counts, and a blank comes with copying.", "Trim the secret where it is read."},
	CauseSecretLineEnd: {PartSecret, "The secret was used with a line end.", "A file or a shell's output ends in a line end that is not part of the secret.", "Trim the secret where it is read."},
	CauseSecretCut:     {PartSecret, "The secret was used with a character missing at its end or beginning.", "It was cut when it was copied or read.", "Copy the whole secret: 40 characters at AWS."},
	CauseSecretEscaped: {PartSecret, "The secret was used in URL escaping, or unescaped.", "It may hold / and +, which an escape changes.", "Use the secret as it was given, without any encoding."},
	CauseSecretQuoted:  {PartSecret, "The secret was used with quotation marks around it.", "Some files keep quotation marks as part of the value.", "Remove the quotation marks."},
	CauseSecretOrKey:   {PartSecret, "The texts agree with the server's and the signature does not: it is the secret, or how the key is made of it.", "A signature is made of the string to sign and of the signing key, and the string to sign is right.", "Check the secret for blanks and line ends; check the steps HMAC(\"AWS4\"+secret, day), region, service, aws4_request; give the credentials here, and the known mistakes are tried."},

	CauseSignatureForm: {PartSignature, "The signature is not 64 small hexadecimal digits.", "S3 compares the text.", "Write the last HMAC in small hexadecimal digits, not in base64."},
	CauseNotReproduced: {PartSecret, "No known mistake makes the signature that was sent.", "The secret that signed is probably another than the one given here, or several mistakes come together.", "Check that key id and secret belong together; give the client's own canonical request and string to sign."},
	CauseServerSecret:  {PartSecret, "The signature is right for these credentials, and the server refuses it.", "The server has another secret for this access key, or another request arrived there than the one given here.", "Check that key id and secret belong together, and what stands between the client and the server."},
	CauseSignsOther:    {PartCanonical, "The server made its canonical request as the request says, so the client signs another text, or with another key.", "What was sent and what the server made of it agree by all rules.", "Give the client's own canonical request and string to sign, or the credentials."},

	CauseTokenMissing:  {PartToken, "The session token is missing.", "Temporary credentials, whose key ids begin with ASIA, work only with their token.", "Send X-Amz-Security-Token and sign it; in a presigned URL it is a parameter."},
	CauseTokenUnsigned: {PartSignedHeaders, "The session token is sent and not signed.", "S3 wants every x-amz- header signed.", "Add x-amz-security-token to the canonical headers and to SignedHeaders."},
	CauseTokenExpired:  {PartToken, "The session has ended.", "Temporary credentials are good for some hours; a URL that they signed ends with them.", "Log in again, or fetch fresh credentials."},
	CauseTokenInvalid:  {PartToken, "The server does not take the session token.", "It is cut, of another session than the key, or escaped once too often.", "Send the token that came with the key id, whole."},
	CauseClock:         {PartClock, "The clocks of client and server differ too much.", "S3 takes a request within 15 minutes of its own time.", "Set the clock, and write the time in UTC."},
	CauseOldRequest:    {PartClock, "The request was signed more than 15 minutes ago.", "S3 takes it within 15 minutes of its own time. If it was sent at once, this is no mistake.", "Sign again for every attempt."},
	CauseExpired:       {PartExpiry, "The presigned URL has expired.", "It is good from X-Amz-Date for X-Amz-Expires seconds, and not longer than the session that signed it.", "Make a new URL."},
	CauseExpires:       {PartExpiry, "X-Amz-Expires is not what S3 takes.", "It is a number of seconds from 1 to 604800, a week.", "Ask for a week at most."},
	CauseNotYet:        {PartExpiry, "The presigned URL is not valid yet.", "Its X-Amz-Date is in the future.", "Set the clock of the machine that made the URL."},
	CauseNoPermission:  {PartServer, "The signature was accepted; the credentials may not do this.", "AccessDenied is about permissions, not about signing.", "Look at the policies of the user and of the bucket."},
	CauseEndpoint:      {PartServer, "The server has the bucket at another address.", "Until the request goes there, the signature is not looked at.", "Sign the request anew for the address that the server names, with that host and that region, and send it there; a redirect is not followed with the old signature."},
	CauseServerSaid:    {PartServer, "The server refuses the request: {name}.", "That is not about the signature itself.", "See what the server's documentation says of {name}."},
}
