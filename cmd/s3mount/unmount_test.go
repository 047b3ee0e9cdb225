package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// fakeMount is a mount with files open on it until they are closed.
type fakeMount struct {
	busy     bool
	gone     bool          // out of the tree already, by umount -l, and in use
	slow     time.Duration // what Unmount takes
	stuck    error         // what Detach says
	done     chan struct{}
	detached bool
}

func (m *fakeMount) Done() <-chan struct{} { return m.done }

func (m *fakeMount) Unmount() error {
	time.Sleep(m.slow) // of a bubble's clock
	if m.busy {
		return syscall.EBUSY
	}
	if m.gone {
		return nil
	}
	close(m.done)
	return nil
}

func (m *fakeMount) Detach() error {
	m.detached = m.stuck == nil
	return m.stuck
}

func TestWaitUnmounted(t *testing.T) {
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	tests := []struct {
		name     string
		mount    fakeMount
		gone     time.Duration   // when the last file is closed, or umount(8) is called; 0: never
		signals  []time.Duration // when they come
		took     time.Duration
		detached bool
		err      string
	}{
		{name: "umount(8)", gone: second(100), took: second(100)},
		{name: "idle", signals: []time.Duration{second(10)}, took: second(10)},
		{name: "idle, slowly", mount: fakeMount{slow: second(2)}, signals: []time.Duration{second(10)}, took: second(12)},
		{name: "busy for a moment", mount: fakeMount{busy: true}, signals: []time.Duration{second(10)}, gone: second(12), took: second(12), detached: true},
		{name: "busy for long", mount: fakeMount{busy: true}, signals: []time.Duration{second(10)}, gone: second(100), took: second(10) + grace, detached: true},
		{name: "busy, second signal", mount: fakeMount{busy: true}, signals: []time.Duration{second(10), second(11)}, took: second(11), detached: true, err: "second signal"},
		{name: "hanging, second signal", mount: fakeMount{busy: true, slow: second(100)}, signals: []time.Duration{second(10), second(11)}, took: second(11), detached: true, err: "second signal"},
		{name: "both at once", mount: fakeMount{busy: true, slow: second(1)}, signals: []time.Duration{second(10), second(10)}, took: second(10), detached: true, err: "second signal"},
		{name: "detached before and in use", mount: fakeMount{gone: true}, signals: []time.Duration{second(10)}, took: second(10) + grace},
		{name: "detached before, second signal", mount: fakeMount{gone: true}, signals: []time.Duration{second(10), second(11)}, took: second(11), err: "second signal"},
		{name: "stuck", mount: fakeMount{busy: true, stuck: syscall.EPERM}, signals: []time.Duration{second(10)}, took: second(10), err: "unmount /mnt: operation not permitted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &tt.mount
				m.done = make(chan struct{})
				if tt.gone > 0 {
					time.AfterFunc(tt.gone, func() { close(m.done) })
				}
				signals := make(chan os.Signal, 2)
				for _, at := range tt.signals {
					time.AfterFunc(at, func() { signals <- syscall.SIGTERM })
				}
				begin := time.Now()
				err := waitUnmounted(m, "/mnt", signals, slog.New(slog.DiscardHandler))
				if took := time.Since(begin); took != tt.took || m.detached != tt.detached {
					t.Errorf("it took %v, detached %v; want %v, %v", took, m.detached, tt.took, tt.detached)
				}
				switch {
				case tt.err == "" && err != nil:
					t.Errorf("it says %v", err)
				case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
					t.Errorf("it says %v, want %s", err, tt.err)
				}
				time.Sleep(second(200)) // what still goes on ends
			})
		})
	}
}

func TestUnlessSignalled(t *testing.T) {
	slowly := func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Minute):
			return errors.New("the answer")
		}
	}
	deaf := func(context.Context) error {
		time.Sleep(time.Minute)
		return nil
	}
	tests := []struct {
		name    string
		f       func(context.Context) error
		signals []time.Duration
		took    time.Duration
		err     string
	}{
		{"no signal", slowly, nil, time.Minute, "the answer"},
		{"no signal, no error", deaf, nil, time.Minute, ""},
		{"a signal", slowly, []time.Duration{time.Second}, time.Second, "ended by a signal (interrupt)"},
		{"a signal that is not heard", deaf, []time.Duration{time.Second}, time.Minute, "ended by a signal (interrupt)"},
		{"a second signal", deaf, []time.Duration{time.Second, 2 * time.Second}, 2 * time.Second, "ended by a signal (interrupt)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				signals := make(chan os.Signal, 2)
				for _, at := range tt.signals {
					time.AfterFunc(at, func() { signals <- os.Interrupt })
				}
				begin := time.Now()
				err := unlessSignalled(t.Context(), signals, tt.f)
				if took := time.Since(begin); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("it says %v, want %q", err, tt.err)
				}
				time.Sleep(time.Hour) // what still goes on ends
			})
		})
	}
}
