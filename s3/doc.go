// Package s3 reads one bucket over HTTP: list, head, ranged get.
//
// # What a caller may rely on
//
// Nothing but GET and HEAD leaves this package; the transport refuses any other
// method. Redirects are never followed.
//
// A reply is believed only when everything in it fits: the status, the range it
// says it is, the length, the ETag, and for listings the root element and the
// continuation. What does not fit is asked again, and in the end is an error;
// it is never data, and never absence. Only a 404 is absence.
//
// [Bucket.OpenRange] reads one version of an object: the ETag goes along as
// If-Match, and a reply of another version is [ErrChanged]. A body that breaks
// is resumed where it broke, from the same version; its reader sees all bytes
// asked for or an error.
//
// # How a request is made
//
// One loop makes all requests (do.go). An attempt asks for credentials, takes a
// place among the requests under way, signs, sends, and checks. What failed is tried again when it
// may pass: after a wait with full jitter when the server or the network is in
// trouble; at once, and once, when the reply says what was wrong with the
// request (the region, the clock, an expired token). Every attempt is signed
// anew. An operation ends after [Retry.Attempts] attempts or [Retry.Deadline].
//
// How many requests may be under way follows what the server bears (limit.go):
// [Options.Connections] at most, half of them each time that it says to slow
// down. A small request whose answer takes far longer than most do is sent a
// second time (hedge.go), seldom; the first good answer counts. New connections
// go to all addresses of the host alike (dial.go).
//
// [Retry.Deadline] is for the answer, a whole page of a listing included. The
// transfer of a body has no such limit: a request that makes no progress for
// [Options.IdleTimeout] is abandoned and what is missing asked again.
//
// # Errors
//
// Every error is an [*Error] that carries operation, key, status, code and
// request id. Ask by meaning with [errors.Is]: [io/fs.ErrNotExist],
// [io/fs.ErrPermission], [ErrChanged], [ErrArchived], [ErrNoVersions], [context.Canceled],
// [context.DeadlineExceeded].
//
// # Versions
//
// An ETag names a version. Servers that give none, or a weak one (RFC 9110,
// 8.8.3: not fit for If-Match), get a substitute made of Last-Modified, to which
// each reply is held: weaker, by the second that dates have.
//
// A bucket with [Options.At] or [Options.Versions] is read from its versions
// (versions.go): listings are made of ListObjectVersions, folded here. A server that
// cannot do so is [ErrNoVersions]. An object that is [Object].Pinned, as one that
// Head gives of a time, is the version of its id or an error.
package s3
