package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// maxEvidence bounds what is read of each file: more is no request.
const maxEvidence = 4 << 20

// An explanation is what `s3mount explain` is asked for.
type explanation struct {
	request, canonical, toSign, response string
	profile                              string
	json                                 bool
}

func newExplainCommand() *cobra.Command {
	e := &explanation{}
	cmd := &cobra.Command{
		Use:   "explain [flags]",
		Short: "Say why a signed request was refused",
		Long: `Say why a signed request was refused: which part of it differs from what the
server has, or from what S3 requires, the two side by side, why that happens, and
what to change. It takes whatever there is, and more of it tells more:

  --canonical-request, --string-to-sign   what your program built
  --request    what it sent: raw HTTP, the output of curl -v, the debug lines of
               Python's http.client, or the log of aws --debug or boto3
  --response   what the server answered: its XML, or all of it

Each is a file, or - for standard input. Nothing is sent anywhere. With the
credentials that the request was made with, from AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY or from --profile, the signature is computed as well, and
the known mistakes are tried until one reproduces it: for servers that do not say
what they computed. No secret and no signature is shown.

The exit code is 0 when something is wrong and was found, 1 when nothing was.`,
		Example: `  s3mount explain --request curl.txt --response answer.xml
  curl -v -H 'Authorization: AWS4-HMAC-SHA256 ...' https://examplebucket.s3.amazonaws.com/test.txt 2>&1 | s3mount explain --request -
  s3mount explain --canonical-request canonical.txt --request request.txt`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &hintError{misused("%q: files are given by flags", args[0]), "give it as --request, --response, --canonical-request or --string-to-sign"}
			}
			return nil
		},
		DisableFlagsInUseLine: true,
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&e.request, "request", "", "`FILE` of the request as it was sent")
	f.StringVar(&e.response, "response", "", "`FILE` of the server's answer")
	f.StringVar(&e.canonical, "canonical-request", "", "`FILE` of the canonical request that your program built")
	f.StringVar(&e.toSign, "string-to-sign", "", "`FILE` of the string to sign that your program built")
	f.StringVar(&e.profile, "profile", "", "`NAME` of the AWS profile with the credentials of the request")
	f.BoolVar(&e.json, "json", false, "print one JSON object and nothing else")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return e.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
	}
	return cmd
}

func (e *explanation) run(ctx context.Context, stdin io.Reader, out io.Writer) error {
	evidence, err := e.evidence(stdin)
	if err != nil {
		return err
	}
	if evidence.Credentials, err = e.credentials(ctx); err != nil {
		return err
	}
	evidence.Now = time.Now()
	report, err := explain.Explain(evidence)
	if err != nil {
		return explainError(err)
	}
	if e.json {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(report)
	} else {
		err = report.Text(out)
	}
	if err == nil && len(report.Findings) == 0 {
		err = &exitError{exitFailed}
	}
	return err
}

// evidence reads the files.
func (e *explanation) evidence(stdin io.Reader) (ev explain.Evidence, err error) {
	files := []struct {
		flag, path string
		into       *string
	}{
		{"--request", e.request, &ev.Request},
		{"--response", e.response, &ev.Response},
		{"--canonical-request", e.canonical, &ev.CanonicalRequest},
		{"--string-to-sign", e.toSign, &ev.StringToSign},
	}
	given, piped := 0, ""
	for _, f := range files {
		if f.path != "" {
			given++
		}
		if f.path == "-" && piped != "" {
			return ev, misused("%s and %s: standard input can be one of them", piped, f.flag)
		}
		if f.path == "-" {
			piped = f.flag
		}
	}
	if given == 0 {
		return ev, &hintError{misused("nothing to explain was given"), "give at least --request, --response, --canonical-request or --string-to-sign; - is standard input"}
	}
	for _, f := range files {
		if f.path == "" {
			continue
		}
		if *f.into, err = readEvidence(f.flag, f.path, stdin); err != nil {
			return ev, err
		}
	}
	return ev, nil
}

func readEvidence(flag, path string, stdin io.Reader) (string, error) {
	from, name := stdin, "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", &hintError{fmt.Errorf("%s: %w", flag, err), "give a file that can be read, or - for standard input"}
		}
		defer f.Close()
		from, name = f, path
	}
	b, err := io.ReadAll(io.LimitReader(from, maxEvidence+1))
	switch {
	case err != nil:
		return "", &hintError{fmt.Errorf("%s: %w", flag, err), "give a file that can be read, or - for standard input"}
	case len(b) > maxEvidence:
		return "", &hintError{fmt.Errorf("%s: over %d bytes", flag, maxEvidence), "give the request without its body: the headers are what is signed"}
	case len(b) == 0:
		return "", &hintError{fmt.Errorf("%s: %s is empty", flag, name), "give the text itself; `curl -v` writes it to standard error: 2>&1"}
	}
	return string(b), nil
}

// credentials are those of the environment or the profile, as they are: a blank
// or a line end in the secret may be what is wrong. Without --profile no other
// source is asked; this command makes no request.
func (e *explanation) credentials(ctx context.Context) (*sigv4.Credentials, error) {
	if e.profile == "" {
		c := sigv4.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
		if c.AccessKeyID == "" || c.SecretAccessKey == "" {
			return nil, nil
		}
		return &c, nil
	}
	keepSecrets(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(ctx, credentialPatience)
	defer cancel()
	found, err := loadAWS(ctx, access{profile: e.profile}, "")
	if err != nil {
		return nil, err
	}
	c, err := found.keys.credentials(ctx, sigv4.Credentials{})
	if err != nil {
		return nil, &hintError{fmt.Errorf("--profile %s: %w", e.profile, err), "leave --profile away: the rest is explained without credentials, too"}
	}
	return &c, nil
}

// explainError says which flag is meant.
func explainError(err error) error {
	var input *explain.InputError
	if !errors.As(err, &input) {
		return err
	}
	flag := ""
	if input.Field != "" {
		flag = "--" + input.Field + ": "
	}
	return &hintError{fmt.Errorf("%s%s", flag, input.Problem), input.Hint}
}
