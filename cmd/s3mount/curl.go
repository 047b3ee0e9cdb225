package main

import (
	"net/http"
	"strings"
)

// curlCommand is a command line that sends a signed request as it is, for a
// POSIX shell. What curl would change by itself it is told to leave: dots in the
// path, and brackets and braces, which are patterns to it.
func curlCommand(req *http.Request, url, caBundle string) string {
	words := []string{"curl", "--path-as-is", "--globoff"}
	switch req.Method {
	case http.MethodGet:
	case http.MethodHead:
		words = append(words, "--head")
	default:
		words = append(words, "--request", shellWord(req.Method))
	}
	if caBundle != "" {
		words = append(words, "--cacert", shellWord(caBundle))
	}
	header := func(name, value string) {
		line := name + ": " + value
		if value == "" {
			line = name + ";" // curl's way to send one without a value
		}
		words = append(words, "--header", shellWord(line))
	}
	if req.Host != req.URL.Host {
		header("Host", req.Host)
	}
	for _, name := range sortedNames(req.Header) {
		for _, value := range req.Header[name] {
			header(name, value)
		}
	}
	return strings.Join(append(words, shellWord(url)), " ")
}

// shellWord is s as one word of a POSIX shell.
func shellWord(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
