package explain_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"s3mount/sigv4"
	"s3mount/sigv4/explain"
)

// shownOf is all that a report shows, in every form.
func shownOf(t testing.TB, r explain.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(j) + fmt.Sprintf("%+v %#v", r, r)
}

// secretsIn are what must not be in what is shown, in the forms in which it may
// stand in a request.
func secretsIn(shown string, secrets ...string) string {
	for _, s := range secrets {
		for _, form := range []string{s, sigv4.EscapeQuery(s), sigv4.EscapePath(s), sigv4.EscapeQuery(sigv4.EscapeQuery(s)), strings.ToUpper(s), fmt.Sprintf("%x", s), fmt.Sprintf("% x", s), strings.Trim(fmt.Sprintf("%q", s), `"`)} {
			if strings.Contains(shown, form) {
				return form
			}
		}
	}
	return ""
}

// withToken is a trial with a session token in the header.
func withToken() *trial {
	c := listing()
	for _, p := range []*parts{&c.sent, &c.client, &c.arrived} {
		p.lines = append(p.lines, "x-amz-security-token:"+exampleToken)
		p.names += ";x-amz-security-token"
	}
	return c
}

// The exact forms in which something secret is shown.
func TestRedacted(t *testing.T) {
	c := withToken()
	other := "IQoJb3JpZ2luX2VjEXAMPLE/another+token=="
	c.arrived.set("x-amz-security-token", other)
	r := explained(t, c.evidence("canonical+request+server"))
	f := r.Findings[0]
	if f.Name != "x-amz-security-token" || f.Yours != "FwoG… (42 characters)" || f.Server != "IQoJ… (39 characters)" || f.Differ != 0 {
		t.Errorf("the token is shown as %q and %q, different from %d", f.Yours, f.Server, f.Differ)
	}

	p := presigned()
	p.client.query += "&X-Amz-Signature=" + anySignature
	r = explained(t, p.evidence("canonical+request"))
	if f := r.Findings[0]; f.Cause != explain.CauseQuerySignature || !strings.HasSuffix(f.Yours, "&X-Amz-Signature=fe5f…") {
		t.Errorf("the signature is shown as %q", f.Yours)
	}

	q := presigned()
	q.sent.query = strings.Replace(q.sent.query, "&X-Amz-SignedHeaders", "&X-Amz-Security-Token="+sigv4.EscapeQuery(exampleToken)+"&X-Amz-SignedHeaders", 1)
	q.arrived.query, q.client.query = q.sent.query, strings.ReplaceAll(q.sent.query, "%", "%25")
	r = explained(t, q.evidence("canonical+request"))
	if f := r.Findings[0]; f.Cause != explain.CauseQueryTwice || !strings.Contains(f.Server, "X-Amz-Security-Token=FwoG… (42 characters)&") || !strings.Contains(f.Yours, "X-Amz-Security-Token=FwoG… (42 characters)&") {
		t.Errorf("the token is shown in %q and %q", f.Yours, f.Server)
	}

	// Two that begin alike: nothing is left to point at.
	c = withToken()
	c.arrived.set("x-amz-security-token", exampleToken[:41]+"x")
	if f := explained(t, c.evidence("canonical+server")).Findings[0]; f.Differ != -1 || f.Yours != f.Server {
		t.Errorf("%q and %q differ from %d", f.Yours, f.Server, f.Differ)
	}
}

// Nothing secret is shown, whatever is wrong.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	old := "AWS " + exampleKey + ":frJIUN8DYpKDtOLCwo//yllqDzg="
	breakIt := []func(*trial){
		func(*trial) {},
		func(c *trial) { c.client.set("x-amz-security-token", exampleToken+" ") },
		func(c *trial) { c.client.set("x-amz-security-token", "") },
		func(c *trial) { c.client.lines[4] = "X-Amz-Security-Token:" + exampleToken },
		func(c *trial) { c.client.query = "?X-Amz-Security-Token=" + sigv4.EscapeQuery(exampleToken) },
		func(c *trial) { c.client.path = "/" + exampleToken + "/" + exampleSecret },
		func(c *trial) { c.client.path = "/?X-Amz-Signature=" + anySignature },
		func(c *trial) { c.secret += "\n" },
		func(c *trial) { c.client.set("range", exampleSecret) },
		func(c *trial) { c.target = "/" + exampleSecret + "?a=" + sigv4.EscapeQuery(exampleSecret) },
		func(c *trial) { c.sent.lines = append(c.sent.lines, "x-amz-meta-a:"+exampleSecret) },
		func(c *trial) { c.arrived.set("x-amz-security-token", strings.ToLower(exampleToken)) },
		func(c *trial) {
			c.toSign = func(date, scope, hash string) string {
				return "AWS4-HMAC-SHA256\n" + exampleSecret + "\n" + exampleToken + "\n" + hash
			}
		},
	}
	words := []string{"canonical", "string", "request", "server", "credentials"}
	for i, make := range breakIt {
		for set := 1; set < 1<<len(words); set++ {
			var kind []string
			for n, w := range words {
				if set>>n&1 == 1 {
					kind = append(kind, w)
				}
			}
			if !slices.Contains(kind, "credentials") && (i == 5 || i >= 8) {
				continue // what the secret is is not known
			}
			if len(kind) == 1 && kind[0] == "credentials" {
				continue
			}
			c := withToken()
			make(c)
			e := c.evidence(strings.Join(kind, "+"))
			if e.Credentials != nil {
				e.Credentials.SecretAccessKey, e.Credentials.SessionToken = exampleSecret, exampleToken
			}
			e.Now = signedAt.Add(time.Hour)
			r, err := explain.Explain(e)
			if err != nil {
				if s := secretsIn(err.Error(), exampleSecret, exampleToken, c.signature()); s != "" {
					t.Errorf("%d, known %s: %q is in the error %v", i, kind, s, err)
				}
				continue
			}
			shown := shownOf(t, r)
			if s := secretsIn(shown, exampleSecret, exampleToken, c.signature(), anySignature); s != "" {
				t.Errorf("%d, known %s: %q is shown in\n%s", i, kind, s, shown)
			}
		}
	}
	text := sentRequest[:strings.Index(sentRequest, "AWS4-")] + old + "\r\n\r\n"
	shown := shownOf(t, explained(t, explain.Evidence{Request: text, Response: errorXML("Other", "you sent "+old+" and Signature=frJIUN8DYpKDtOLCwo//yllqDzg=")}))
	if strings.Contains(shown, "frJIUN") {
		t.Errorf("a signature of version 2 is shown in\n%s", shown)
	}
}

// A secret that is a word is hidden in values, not in our own sentences. Where the
// secret given here has a blank at its end, that is the reason, not the server.
func TestSentencesAboutTheSecret(t *testing.T) {
	for secret, cause := range map[string]string{"other": explain.CauseServerSecret, exampleSecret + " ": explain.CauseSecretBlank} {
		c := listing()
		c.secret = secret
		e := c.evidence("request+server+credentials")
		e.Credentials.SecretAccessKey = secret
		r := explained(t, e)
		if len(r.Findings) != 1 || r.Findings[0].Cause != cause || strings.Contains(r.Findings[0].Why, "(the secret)") {
			t.Errorf("%q: %+v", secret, r.Findings)
		}
	}
}
