//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// writeSamples makes the tree that is uploaded: texts, a name with a blank and
// umlauts, an empty directory, a file of 5 MB, and the hashes of them all.
func writeSamples(dir string) error {
	noise := make([]byte, 5_000_000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	files := map[string]string{
		"README.txt":                        "Each of these files is an object in a bucket.\n",
		"letters/2023/harbour.txt":          "Dear A,\nthe harbour is frozen. We saw a whale from the pier.\nB\n",
		"letters/2024/Grüße aus Köln.txt":   "Liebe B,\nviele Grüße aus Köln!\nA\n",
		"letters/2024/reply.txt":            "Dear A,\nno whale this year, but two seals.\nB\n",
		"measurements/2024-01.csv":          "day,celsius\n1,-3.5\n2,-4.0\n3,-1.5\n",
		"measurements/raw/sensor-1.bin":     string(noise),
		"measurements/100% sure & a+b=c.md": "Names may hold almost any character.\n",
	}
	var sums strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256([]byte(files[name])), name)
	}
	files["SHA256SUMS"] = sums.String()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return os.Mkdir(filepath.Join(dir, "letters", "2025"), 0o755)
}
