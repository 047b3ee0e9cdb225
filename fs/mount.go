package fs

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	fusefs "github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// MountOptions say how a tree is mounted. All are optional.
type MountOptions struct {
	Source     string // what mount(8) and df(1) show as the device
	AllowOther bool   // let other users in; permissions are checked by the kernel
	NoExec     bool   // nothing on the mount may be executed
	Log        *slog.Logger
}

// A Mount is a tree that is mounted.
type Mount struct {
	Dir    string // absolute
	server *fuse.Server
	done   chan struct{} // closed when the mount is gone
}

// MountAt mounts the tree on a directory, read-only, and returns when it can be
// used. As root it mounts by itself; otherwise fusermount3 does.
func (t *Tree) MountAt(dir string, opts MountOptions) (*Mount, error) {
	return mountAt(t.opts, t.Root, dir, opts)
}

// mountAt mounts a root, of which there may have to be another one.
func mountAt(shown Options, root func() fusefs.InodeEmbedder, dir string, opts MountOptions) (*Mount, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	server, err := serve(shown, root, dir, opts)
	if err != nil {
		return nil, err
	}
	m := &Mount{Dir: dir, server: server, done: make(chan struct{})}
	go func() { // ends with the mount, and says so through Done
		server.Serve()
		close(m.done)
	}()
	if err := server.WaitMount(); err != nil {
		return nil, errors.Join(err, m.unmount())
	}
	if err := raiseReadAhead(dir); err != nil {
		opts.Log.Debug("the kernel's read-ahead stays as it is", "error", err)
	}
	return m, nil
}

// Done is closed when the mount is gone: by Unmount, by umount(8), or because
// the kernel ended the connection.
func (m *Mount) Done() <-chan struct{} { return m.done }

// Unmount ends the mount. It fails while files are open on it, or a process is
// in it.
func (m *Mount) Unmount() error { return m.unmount() }

// serve makes the FUSE connection: directly as root, else through fusermount3.
func serve(shown Options, root func() fusefs.InodeEmbedder, dir string, opts MountOptions) (*fuse.Server, error) {
	o := fuseOptions(shown, opts)
	raw := fusefs.NewNodeFS(root(), o)
	if os.Geteuid() == 0 {
		direct := o.MountOptions
		direct.DirectMountStrict = true
		direct.DirectMountFlags = directFlags
		// The kernel takes these as flags, and does not know them as words.
		direct.Options = slices.DeleteFunc(slices.Clone(o.Options), func(s string) bool { return s == "ro" })
		server, err := fuse.NewServer(raw, dir, &direct)
		if err == nil || directFlags == 0 {
			return server, err
		}
		opts.Log.Debug("mount(2) was refused; trying fusermount3", "error", err)
		if via, verr := fuse.NewServer(fusefs.NewNodeFS(root(), o), dir, &o.MountOptions); verr == nil {
			return via, nil
		}
		return nil, fmt.Errorf("mount: %w", err)
	}
	server, err := fuse.NewServer(raw, dir, &o.MountOptions)
	if err != nil {
		return nil, fmt.Errorf("fusermount3: %w", err)
	}
	return server, nil
}

// fuseOptions are go-fuse's options. Time-outs are given with each reply; no
// option may override them.
func fuseOptions(shown Options, opts MountOptions) *fusefs.Options {
	words := []string{"ro", "nosuid", "nodev", "default_permissions"}
	if opts.NoExec {
		words = append(words, "noexec")
	}
	return &fusefs.Options{
		RootStableAttr: &fusefs.StableAttr{Ino: 1, Gen: 1},
		Logger:         slog.NewLogLogger(opts.Log.Handler(), slog.LevelDebug),
		// A mode of 0 is one: it comes from metadata only.
		NullPermissions: true,
		MountOptions: fuse.MountOptions{
			AllowOther: opts.AllowOther,
			Options:    words,
			FsName:     strings.ReplaceAll(opts.Source, ",", "%2C"),
			Name:       "s3mount",
			MaxWrite:   1 << 20, // caps reads, too
			// The kernel has this many read-ahead requests under way.
			MaxBackground: 256,
			// Nothing is invalidated by a changed mtime or size: versions are
			// inodes of their own.
			ExplicitDataCacheControl: true,
			// Attributes with the names only where the kernel has seen that
			// they are asked for.
			ExtraCapabilities: fuse.CAP_READDIRPLUS_AUTO,
			DisableSplice:     true, // results are slices in memory
			Logger:            slog.NewLogLogger(opts.Log.Handler(), slog.LevelError),
			PanicHandler:      panicHandler(opts.Log),
			// With the names would come a HEAD of each of the first, wanted or not;
			// looked up one after the other, they are asked for ahead.
			DisableReadDirPlus:   shown.Posix,
			EnableSymlinkCaching: shown.Posix, // a link is a version
		},
	}
}

// readAheadKB is the kernel's read-ahead for the mount, in KiB, where it may be
// set: eight times what FUSE can ask for in INIT, and so fewer and larger READs.
const readAheadKB = 1024
