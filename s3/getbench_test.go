package s3

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"s3mount/s3/s3test"
	"s3mount/sigv4"
)

// The server of the benchmarks has a process of its own, so that what is
// measured in this one is the client: its processor time and its allocations.
// The variable says which scheme it speaks and how many bytes a second it sends
// on a connection.
const benchServer = "S3_BENCH_SERVER"

// serveBench is that process. It ends with its standard input.
func serveBench(how string) {
	o := s3test.Options{Objects: map[string]s3test.Object{"big": {Size: 64 << 20}}, Anonymous: true}
	scheme, pace, _ := strings.Cut(how, " ")
	fmt.Sscan(pace, &o.BytesPerSecond)
	bundle := ""
	if scheme == "https" {
		cert, text, err := selfSigned(time.Now().Add(time.Hour), "127.0.0.1")
		if err != nil {
			panic(err)
		}
		o.TLS, bundle = &tls.Config{Certificates: []tls.Certificate{cert}}, string(text)
	}
	srv, err := s3test.Start(o)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n%s\x00", srv.Endpoint(), bundle)
	io.Copy(io.Discard, os.Stdin)
	srv.Close()
}

// A countedConn counts its reads.
type countedConn struct {
	net.Conn
	reads *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

// benchBucket gives a bucket of a server in another process, its one object,
// and the number of reads from sockets.
func benchBucket(b *testing.B, how string) (*Bucket, Object, *atomic.Int64) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), benchServer+"="+how)
	cmd.Stderr = os.Stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil || cmd.Start() != nil {
		b.Fatal("the server does not start")
	}
	b.Cleanup(func() { stdin.Close(); cmd.Wait() })
	said, err := bufio.NewReader(stdout).ReadString(0)
	if err != nil {
		b.Fatal(err)
	}
	where, bundle, _ := strings.Cut(strings.TrimSuffix(said, "\x00"), "\n")
	endpoint, err := url.Parse(where)
	if err != nil {
		b.Fatal(err)
	}
	transport, reads := benchTransport(b, bundle)
	bucket, err := New(Options{Name: "bucket", Endpoint: endpoint, Transport: transport,
		Credentials: always(sigv4.Credentials{AccessKeyID: "AKIDS3TEST", SecretAccessKey: "s3test/secret+for/no+one"})})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(bucket.CloseIdleConnections)
	o, err := bucket.Head(context.Background(), "big")
	if err != nil {
		b.Fatal(err)
	}
	return bucket, o, reads
}

// benchTransport is the transport, with reads counted below TLS and below what
// this package buffers.
func benchTransport(b *testing.B, bundle string) (*http.Transport, *atomic.Int64) {
	b.Helper()
	roots, err := trusted([]byte(bundle))
	if err != nil {
		b.Fatal(err)
	}
	d, reads := newDialer(), new(atomic.Int64)
	connect := d.connect
	d.connect = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := connect(ctx, network, addr)
		return countedConn{c, reads}, err
	}
	transport := transportOf(d, roots)
	return transport, reads
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkGet(b *testing.B) {
	for _, scheme := range []string{"http", "https"} {
		for _, bb := range []struct {
			name string
			size int64
			pace string
		}{
			{"16KiB", 16 << 10, "0"}, {"128KiB", 128 << 10, "0"}, {"8MiB", 8 << 20, "0"}, {"8MiB at 90 MB per s", 8 << 20, "90000000"},
		} {
			b.Run(scheme+"/"+bb.name, func(b *testing.B) {
				bucket, o, reads := benchBucket(b, scheme+" "+bb.pace)
				p := make([]byte, 128<<10)
				get := func() {
					body, err := bucket.OpenRange(context.Background(), o, 0, bb.size)
					if err != nil {
						b.Fatal(err)
					}
					for err == nil {
						_, err = io.ReadFull(body, p[:min(bb.size, int64(len(p)))])
					}
					if err != io.EOF {
						b.Fatal(err)
					}
					body.Close()
				}
				get()
				b.ReportAllocs()
				cpu := processorTime(b)
				reads.Store(0)
				n := 0
				for b.Loop() {
					get()
					n++
				}
				cpu = processorTime(b) - cpu
				b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-us/op")
				b.ReportMetric(float64(reads.Load())/float64(n), "reads/op")
				if total := int64(n) * bb.size; total > 64<<20 {
					b.ReportMetric(cpu.Seconds()*float64(1<<30)/float64(total), "cpu-s/GiB")
				}
			})
		}
	}
}
