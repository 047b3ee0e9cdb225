package s3

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// fullPage is a page of 1,000 keys as S3 writes it.
func fullPage() []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>photos/2026/</Prefix><NextContinuationToken>1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM=</NextContinuationToken><KeyCount>1000</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>`)
	for i := range 1000 {
		fmt.Fprintf(&b, `<Contents><Key>photos/2026/IMG+%06d.jpg</Key><LastModified>2026-02-03T04:05:%02d.000Z</LastModified><ETag>&quot;9b2cf535f27731c974343645a3%06d&quot;</ETag><Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>`, i, i%60, i, 1000*i)
	}
	b.WriteString(`</ListBucketResult>`)
	return b.Bytes()
}

func BenchmarkDecodePage(b *testing.B) {
	raw := fullPage()
	for _, how := range []struct {
		name   string
		decode func(io.Reader, ListOptions) (page, error)
	}{{"scanner", decodePage}, {"encoding/xml", referencePage}} {
		b.Run(how.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				if p, err := how.decode(bytes.NewReader(raw), ListOptions{Prefix: "photos/"}); err != nil || len(p.entries) != 1000 {
					b.Fatal(len(p.entries), err)
				}
			}
		})
	}
}
