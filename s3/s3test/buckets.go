package s3test

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Beside has this server be the endpoint of others' buckets, too: requests for
// them are the others' to answer, with their own regions, rules and records, and
// they are in the list of buckets, which is this server's, unless unlisted.
func (s *Server) Beside(unlisted bool, others ...*Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range others {
		s.others = append(s.others, neighbour{o, unlisted})
	}
}

// Leave undoes Beside: the bucket is gone.
func (s *Server) Leave(other *Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others = slices.DeleteFunc(s.others, func(n neighbour) bool { return n.Server == other })
}

type neighbour struct {
	*Server
	unlisted bool
}

func (s *Server) neighbours() []neighbour {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.others)
}

// beside is the server of another's bucket, nil if there is none.
func (s *Server) beside(bucket string) *Server {
	for _, n := range s.neighbours() {
		if n.bucket == bucket {
			return n.Server
		}
	}
	return nil
}

// listBuckets answers ListBuckets, in pages if that is asked for. As S3 does, it
// says where a bucket is only then.
func (x *exchange) listBuckets() *answer {
	type bucket struct {
		Name         string
		CreationDate string
		BucketRegion string `xml:",omitempty"`
	}
	all := []bucket{{x.s.bucket, "2026-01-01T00:00:00.000Z", x.s.region}}
	for _, n := range x.s.neighbours() {
		if !n.unlisted {
			all = append(all, bucket{n.bucket, "2026-01-01T00:00:00.000Z", n.region})
		}
	}
	slices.SortFunc(all, func(a, b bucket) int { return cmp.Compare(a.Name, b.Name) })
	after := strings.TrimPrefix(x.param("continuation-token"), "after ")
	all = slices.DeleteFunc(all, func(b bucket) bool { return b.Name <= after })
	most, err := strconv.Atoi(x.param("max-buckets"))
	paged := err == nil && most > 0
	next := ""
	if most = min(most, x.s.pageSize); paged && len(all) > most {
		all = all[:most]
		next = "after " + all[most-1].Name
	}
	if !paged && x.param("continuation-token") == "" {
		for i := range all {
			all[i].BucketRegion = ""
		}
	}
	body, err := xml.Marshal(struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Buckets           []bucket `xml:"Buckets>Bucket"`
		ContinuationToken string   `xml:",omitempty"`
	}{Buckets: all, ContinuationToken: next})
	if err != nil {
		return refuse(http.StatusInternalServerError, "InternalError", err.Error())
	}
	return newAnswer(http.StatusOK, "application/xml", append([]byte(xmlHeader), body...))
}
