package fs

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// children are what the test binary does instead of testing when it is started
// by a test as a reader of a mount: name to function. A process must not read
// the mount that it serves; its reads would wait for a thread that waits for them.
var children = map[string]func(args []string) error{}

// childEnv names the child to be.
const childEnv = "S3MOUNT_FS_TEST_CHILD"

func TestMain(m *testing.M) {
	if child := children[os.Getenv(childEnv)]; child != nil {
		if err := child(os.Args[1:]); err != nil {
			os.Stdout.WriteString("child: " + err.Error() + "\n")
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}
