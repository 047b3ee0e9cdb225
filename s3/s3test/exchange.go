package s3test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// An exchange is one request and its answer.
type exchange struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	ctx  context.Context // ends with the client's connection
	conn *conn

	bucket, key string
	op          Op
	query       query
	plan        *plan
	entry       *Request // in the log
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	s.handlers.Add(1)
	defer s.handlers.Done()
	x := &exchange{s: s, w: w, r: r, ctx: r.Context(), plan: newPlan(nil)}
	x.conn = r.Context().Value(connKey{}).(*conn)
	x.identify()
	if other := s.beside(x.bucket); other != nil {
		other.handle(w, r)
		return
	}
	s.log.begin(x.entry)
	defer s.log.end(x.entry)
	x.serve()
}

func (x *exchange) serve() {
	if x.op == Op(x.r.Method) && x.op != Get && x.op != Head {
		x.send(refuse(http.StatusMethodNotAllowed, "MethodNotAllowed",
			"The specified method is not allowed against this resource.", field{"Method", x.r.Method}))
		return
	}
	refused := x.s.verify(x.r, x.op)
	if refused == nil {
		x.plan = newPlan(x.s.rules.meet(*x.entry))
	}
	p := x.plan
	if !x.s.pause(x.ctx, x.latency()+p.delay) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case refused != nil:
		x.send(refused)
		return
	case p.custom != nil:
		p.custom(x.w, x.r)
		return
	case p.raw != nil:
		x.sendRaw(*p.raw)
		return
	}
	if p.holdAt == BeforeHeaders && !await(x.ctx, x.s.closing, p.hold) {
		panic(http.ErrAbortHandler)
	}
	if p.end != endsWell && p.endAt == BeforeHeaders {
		x.sendRaw("")
		return
	}
	var a *answer
	if p.reply != nil {
		a = p.reply()
	} else {
		a = x.answer()
	}
	x.send(a)
}

// answer is the one that is due.
func (x *exchange) answer() *answer {
	s := x.s
	switch {
	case x.op == Buckets && s.isDenied(Buckets):
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	case x.op == Buckets:
		return x.listBuckets()
	case x.bucket == "":
		return refuse(http.StatusNotImplemented, "NotImplemented", "s3test knows nothing of that")
	case x.bucket != s.bucket:
		return refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist", field{"BucketName", x.bucket})
	case s.isDenied(x.permission()), s.requesterPays && x.r.Header.Get("X-Amz-Request-Payer") != "requester":
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	case x.op == Location:
		where := s.region
		if where == "us-east-1" {
			where = "" // as it has always been called
		}
		return newAnswer(http.StatusOK, "application/xml", []byte(xmlHeader+
			`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`+where+`</LocationConstraint>`))
	case x.op == List:
		return x.list()
	case x.op == Versions:
		return x.versions()
	case x.key == "":
		a := newAnswer(http.StatusOK, "application/xml", nil)
		a.header.Set("X-Amz-Bucket-Region", s.region)
		return a
	}
	return x.object()
}

// permission is the operation whose denial counts: who may not list may not ask
// for the bucket's HEAD either.
func (x *exchange) permission() Op {
	if x.op == Head && x.key == "" {
		return List
	}
	return x.op
}

// identify finds out what is asked for, from the request line as it came.
func (x *exchange) identify() {
	r := x.r
	rawPath, rawQuery := rawTarget(r)
	x.query = parseQuery(rawQuery)
	path := strings.TrimPrefix(rawPath, "/")
	if b, ok := x.s.hostBucket(r.Host, path); ok {
		x.bucket, x.key = b, unescape(path, false)
	} else {
		bucket, key, _ := strings.Cut(path, "/")
		x.bucket, x.key = unescape(bucket, false), unescape(key, false)
	}
	e := &Request{
		Method:  r.Method,
		Op:      Op(r.Method),
		Host:    r.Host,
		Key:     x.key,
		Range:   r.Header.Get("Range"),
		IfMatch: r.Header.Get("If-Match"),
		Query:   withoutSecrets(rawQuery),
		At:      time.Now(),
		Conn:    x.conn.id,
	}
	switch q := x.query; {
	case r.Method == "GET" && x.bucket == "":
		e.Op = Buckets
		e.Token, e.MaxKeys = q.get("continuation-token"), q.get("max-buckets")
	case r.Method == "GET" && x.key == "" && q.has("location"):
		e.Op = Location
	case r.Method == "GET" && x.key == "" && q.has("versions"):
		e.Op = Versions
		e.Key, e.Delimiter, e.MaxKeys = q.get("prefix"), q.get("delimiter"), q.get("max-keys")
		e.StartAfter, e.VersionID = q.get("key-marker"), q.get("version-id-marker")
	case r.Method == "GET" && x.key == "":
		e.Op = List
		e.Key = q.get("prefix")
		e.Delimiter, e.StartAfter = q.get("delimiter"), q.get("start-after")
		e.Token, e.MaxKeys = q.get("continuation-token"), q.get("max-keys")
	default:
		e.VersionID = q.get("versionId")
	}
	x.op, x.entry = e.Op, e
}

// hostBucket is the bucket in the host name, if the request is in virtual-host
// style: bucket.anything, unless that is an address or the name of an endpoint.
func (s *Server) hostBucket(host, path string) (string, bool) {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if strings.HasPrefix(name, s.bucket+".") {
		return s.bucket, true
	}
	first, _, dotted := strings.Cut(name, ".")
	if !dotted || net.ParseIP(strings.Trim(name, "[]")) != nil || first == "s3" || strings.HasPrefix(first, "s3-") {
		return "", false
	}
	if inPath, _, _ := strings.Cut(path, "/"); inPath == s.bucket {
		return "", false
	}
	return first, true
}

func (x *exchange) latency() time.Duration {
	l := x.s.latency.Load()
	switch x.op {
	case List, Location, Versions, Buckets:
		return l.List
	case Get:
		return l.Get
	case Head:
		return l.Head
	}
	return 0
}

// header is a header of the request, unless a fault has it ignored.
func (x *exchange) header(name string) string {
	if x.plan.ignore[name] {
		return ""
	}
	return x.r.Header.Get(name)
}

// param is a parameter of the request, unless a fault has it ignored.
func (x *exchange) param(name string) string {
	if x.plan.ignore[name] {
		return ""
	}
	return x.query.get(name)
}

// finish gives an answer the headers that every one has.
func (x *exchange) finish(a *answer) {
	a.identify(fmt.Sprintf("%016X", x.s.serial.Add(1)))
	a.header.Set("Server", "s3test")
	a.header.Set("Date", x.s.now().Format(http.TimeFormat))
	for _, edit := range x.plan.edits {
		edit(a)
	}
}
