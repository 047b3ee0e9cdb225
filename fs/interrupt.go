package fs

import (
	"context"
	"errors"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// FUSE tells of any signal that comes while a call waits, and a call that is told
// EINTR ends with it whatever the signal was. A signal that stops the process, that
// a debugger sends or that another thread takes is no reason: `ls`, stopped by
// Ctrl-Z and continued, would say "Interrupted system call". Nor is the end of a
// child or a new size of the window, of which shells are told: their `*` would come
// up short. So a wait goes on unless whoever waits dies, or handles a signal that is
// meant to interrupt. A local disk's calls are not interrupted at all.

// interrupted says whether a wait that ended with err is to end for its caller.
func interrupted(ctx context.Context, err error) bool {
	return !errors.Is(err, context.Canceled) || ctx.Err() == nil || givesUp(ctx)
}

// waitOn goes on with a wait that f makes, until it has come to something or its
// caller gives up, which is asked for now and then: of further signals FUSE does
// not tell.
func waitOn(ctx context.Context, f func(context.Context) error) error {
	for {
		some, cancel := context.WithTimeout(context.WithoutCancel(ctx), givesUpEvery)
		err := f(some)
		over := some.Err() != nil && errors.Is(err, context.DeadlineExceeded)
		cancel()
		if !over {
			return err
		}
		if givesUp(ctx) {
			return context.Canceled
		}
	}
}

const givesUpEvery = time.Second

// givesUp says whether whoever made the call will not wait any longer. Who cannot
// be seen, as from another PID namespace, is taken at FUSE's word.
func givesUp(ctx context.Context) bool {
	caller, ok := fuse.FromContext(ctx)
	if !ok || caller.Pid == 0 {
		return true
	}
	s, err := signalsOf(int(caller.Pid))
	return err != nil || s.interrupt()
}

// signals are those of a thread: bit n-1 is signal n.
type signals struct{ pending, blocked, caught uint64 }

// interrupt says whether the thread is about to die, or to handle a signal that
// interrupts.
func (s signals) interrupt() bool {
	now := s.pending &^ s.blocked
	return now&dying != 0 || now&s.caught&^passing != 0
}
