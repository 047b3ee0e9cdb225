package explain

import (
	"regexp"
	"strings"
)

// A botocoreLog is what the debug log of botocore has to say: that of the AWS CLI
// with --debug, and of boto3 with its logging turned on.
type botocoreLog struct{ request, canonical, toSign, response string }

var (
	// recordStart is how a line of Python's logging begins, in the formats of the
	// CLI and of boto3.set_stream_logger.
	recordStart = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)
	sending     = regexp.MustCompile(`Sending http request: <AWSPreparedRequest .*?method=([A-Z]+), url=(\S+), headers=\{(.*)\}>`)
	urllibReply = regexp.MustCompile(`urllib3\.connectionpool.*" (\d{3}) `)
	// dictItem is one item of a dict as Python prints it.
	dictItem = regexp.MustCompile(`'([^'\\]+)': (b?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))`)
)

// isBotocore reports whether the text is such a log.
func isBotocore(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if recordStart.MatchString(line) && strings.Contains(line, "botocore.") {
			return true
		}
	}
	return false
}

// fromBotocore takes out what belongs to the last request that was signed.
func fromBotocore(text string) (log botocoreLog) {
	var reply string
	for len(text) > 0 {
		var record, line string
		record, text = cutRecord(text)
		line, rest := cutLine(record)
		rest = strings.TrimRight(rest, "\r\n")
		switch {
		case strings.HasSuffix(line, "CanonicalRequest:"):
			log, reply = botocoreLog{canonical: rest}, ""
		case strings.HasSuffix(line, "StringToSign:"):
			log.toSign = rest
		case strings.Contains(line, "Sending http request:"):
			if m := sending.FindStringSubmatch(line); m != nil {
				log.request, log.response, reply = m[1]+" "+m[2]+" HTTP/1.1\n"+headerLines(m[3])+"\n", "", ""
			}
		case strings.Contains(line, "Response headers:"):
			_, headers, _ := strings.Cut(line, "Response headers:")
			log.response = headerLines(headers) + "\n"
		case strings.HasSuffix(line, "Response body:"):
			log.response += unquotePython(firstLine(rest))
		default:
			if m := urllibReply.FindStringSubmatch(line); m != nil {
				reply = "HTTP/1.1 " + m[1] + "\n"
			}
		}
	}
	if reply != "" && log.response != "" {
		log.response = reply + log.response
	}
	return log
}

// cutRecord returns the first record of a log, which may have several lines, and
// what follows.
func cutRecord(text string) (record, rest string) {
	for n := 0; ; {
		i := strings.IndexByte(text[n:], '\n')
		if i < 0 {
			return text, ""
		}
		n += i + 1
		if line := firstLine(text[n:]); recordStart.MatchString(line) {
			return text[:n], text[n:]
		}
	}
}

func firstLine(s string) string {
	line, _ := cutLine(s)
	return line
}

// headerLines are the items of a dict of headers, one to a line.
func headerLines(dict string) string {
	var b strings.Builder
	for _, m := range dictItem.FindAllStringSubmatch(dict, -1) {
		b.WriteString(m[1] + ": " + unquotePython(m[2]) + "\n")
	}
	return b.String()
}
