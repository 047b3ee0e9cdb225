package explain

import "strings"

// pasted is a text of several lines as a program has it, where it was given as
// Python's repr writes it, or indented as a whole, as `s3mount sign` and debuggers
// show it. A first line is never indented otherwise: what is indented from the
// second line on is a mistake, and stays.
func pasted(text string) string {
	line := strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if literal := strings.TrimPrefix(line, "b"); literal != "" && strings.IndexByte("'\"", literal[0]) >= 0 && !strings.Contains(line, "\n") && strings.Contains(line, `\n`) {
		return unquotePython(line)
	}
	lines := strings.Split(strings.Trim(strings.TrimPrefix(text, "\ufeff"), "\r\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " \t"))]
	if indent == "" {
		return text
	}
	for i, line := range lines {
		rest, ok := strings.CutPrefix(line, indent)
		switch {
		case ok:
			lines[i] = rest
		case strings.TrimSpace(line) == "":
			lines[i] = strings.TrimLeft(line, " \t")
		default:
			return text
		}
	}
	return strings.Join(lines, "\n")
}
