package sigv4

// An InputError says what about a call's arguments makes signing impossible. The
// request is as it was before the call. Neither the text nor the fields repeat a
// secret, a token, or the part of a URL that may hold a password.
type InputError struct {
	Field   string // what is wrong: "secret access key", "region", "header X-Amz-Meta-A", "url", ...
	Problem string // what is wrong with it
}

func (e *InputError) Error() string { return "sigv4: " + e.Field + ": " + e.Problem }

func invalid(field, problem string) error { return &InputError{field, problem} }
