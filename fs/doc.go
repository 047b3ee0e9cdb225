// Package fs shows the keys of a bucket as a tree of directories and files,
// read-only, through FUSE.
//
// # Names
//
// [Path] is the definition. A key is split at "/". What stands before the last "/"
// are directories: they exist as long as any key is below them. A key that ends in
// "/" is a directory and nothing else. Where an object and a directory have one
// name, the directory is shown. A component that is empty, ".", "..", holds NUL or
// is longer than 255 bytes cannot be shown. Names are bytes: nothing is folded,
// normalised or decoded.
//
// No object is lost: what cannot be shown, and what a directory hides, is in a
// directory ".s3mount-hidden" beside the rest, the side door, under a name that can
// be turned back into the key (escape.go, door.go).
//
// # Identity
//
// A file node is one version of one object. Its inode number comes from the
// key, so that it is the same after a remount; its generation comes from key,
// ETag, size and time, and with [Options.Posix] from what its metadata says, so
// that a changed object is a new inode to the kernel, and is another one on each
// mount: a file handle is good for as long as the kernel has its node, and is
// ESTALE from then on.
// Hence the attributes of a node never change, the kernel may keep its pages
// for as long as it likes, and nothing is invalidated by a change: only how long a
// name stands for a node (the entry time-out) carries freshness. [Refresh] ends
// that early.
//
// # Freshness
//
// What was learned, by a listing or by asking for one name, is believed for
// [Options.TTL] from the moment the request was sent, and the kernel is told to
// believe it for what is left of that. Opening a file asks the server for its
// first bytes under the condition that it is still that version, unless they are
// in memory or an earlier opening has asked within the TTL. If it is another,
// open says ESTALE, upon which the kernel looks the path up anew and opens what
// is there now; a program sees the new file and no error.
//
// # Versions
//
// The tree is of what the bucket says: of one that is made with s3.Options.At,
// of what there was then, and each file of a version that its first GET names. Of
// one with s3.Options.Versions older versions are files of their own, beside the
// object's, by names that lead back to it (versions.go); what is there now is as in
// any tree.
//
// # Requests
//
// A directory is listed when it is read, page by page, for all its readers
// together. A name that no listing tells about costs one HEAD and one LIST,
// sent at the same time; the LIST is the first page of the directory that the
// name may be. Attributes come from listings: `ls -l` asks nothing more.
//
// With [Options.Posix] it takes a HEAD of each file to know what it is, and of
// each directory that may have a marker. That of a version is made once. Names
// that are looked up in the order of a listing, or of inode numbers, are asked
// about ahead. readdir gives no types of files then, and the kernel is not
// offered READDIRPLUS: it would ask about files that nobody wants to know of.
//
// Where nothing may be listed ([Options.NoList]) it costs the HEAD alone, and is a
// directory unless that finds an object. An [Account] shows many buckets.
//
// # Errors
//
// errno.go is the one place where an error becomes an errno.
package fs
