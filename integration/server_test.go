//go:build linux

package integration

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3mount/integration/rig"
)

// What the other tests rest on, held to a client that is neither ours nor the
// rig's: the server stores the names and bytes it is sent, and refuses a wrong
// signature.
func TestServer(t *testing.T) {
	needTool(t, "curl")
	g := gateway(t)
	b := bucket(t, false)
	key := "a blank/plus+ä%"
	content := random(99, 200_000)
	if err := g.Put(t.Context(), b, key, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	get := func(secret string) (status, body string) {
		// The secret in a process list is one of the tests' own.
		r := try(t, nil, t.TempDir(), exec.Command("curl", "-s", "-w", "\n%{http_code}",
			"--aws-sigv4", "aws:amz:us-east-1:s3", "--user", g.AccessKey+":"+secret,
			"-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
			g.URL+"/"+b+"/a%20blank/plus%2B%C3%A4%25"))
		if r.Code != 0 {
			t.Fatalf("curl: exit code %d\n%s", r.Code, r.Stderr)
		}
		i := strings.LastIndexByte(r.Stdout, '\n')
		return r.Stdout[i+1:], r.Stdout[:i]
	}
	if status, body := get(g.SecretKey); status != "200" || body != string(content) {
		t.Errorf("GET says %s and %d bytes, want 200 and the %d uploaded", status, len(body), len(content))
	}
	if status, body := get("wrong"); status != "403" || !strings.Contains(body, "SignatureDoesNotMatch") {
		t.Errorf("GET with a wrong secret says %s, want 403 SignatureDoesNotMatch\n%s", status, body)
	}
}

// A command that hangs must not hang the tests.
func TestRunEndsWhatHangs(t *testing.T) {
	r, err := rig.Run(exec.Command("sh", "-c", "echo so far; sleep 1000 & wait"), 100*time.Millisecond, nil)
	if err == nil || r.Code != -1 || !strings.Contains(err.Error(), "so far") {
		t.Errorf("Run = %+v, %v; want a killed command and an error with its output", r, err)
	}
}

// Nor must a mount that hangs: its daemon is stopped here.
func TestRunEndsWhatHangsInAMount(t *testing.T) {
	m := mountTest(t, notWritten(t))
	m.Process.Signal(syscall.SIGSTOP)
	aborted := false
	r, err := rig.Run(exec.Command("cat", m.Dir+"/f"), 100*time.Millisecond, func() {
		aborted = true
		if err := m.Abort(); err != nil {
			t.Error(err)
		}
	})
	if err == nil {
		t.Errorf("Run = %+v, nil; want an error, for the file system is stopped", r)
	}
	if !aborted { // the kernel let cat go
		m.Process.Signal(syscall.SIGCONT)
	}
}
