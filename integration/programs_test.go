//go:build linux

package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"s3mount/integration/rig"
)

// A programRun is a script that is run in the corpus on the local disk and in
// the mount of it, and must say the same: output, errors and exit code. $OUT is
// an empty directory, $LOCAL the local copy, $TAR a tar of it.
type programRun struct {
	name, script string
	needs        string // commands, with blanks between
}

var programRuns = []programRun{
	{name: "diff -r", script: `diff -r "$LOCAL" .`},
	{name: "rsync -nc", script: `rsync -rnc --delete --itemize-changes "$LOCAL/" ./`, needs: "rsync"},
	// Times, modes and owners, too, but for the times of directories.
	{name: "rsync -an", script: `rsync -anO --delete --itemize-changes "$LOCAL/" ./`, needs: "rsync"},
	{name: "tar -d", script: `tar -df "$TAR"`},
	{name: "cp -a", script: `mkdir "$OUT/copy"; cp -a [!m]* "$OUT/copy"
		cd "$OUT/copy"; diff -r . "$OLDPWD" | grep -v '^Only in .*: many$' || true; find . -printf '%y %m %U:%G %P\n' | sort; find . -type f -printf '%s %T@ %P\n' | sort
		chmod -R u+w .`},
	{name: "cp --sparse, then cmp", script: `cp --sparse=always text/zeros "$OUT"; cmp text/zeros "$OUT/zeros"`},
	{name: "sha256sum -c", script: `(cd "$LOCAL"; find . -type f -exec sha256sum {} +) | sha256sum -c --quiet`},

	{name: "git fsck", script: `git -C repo fsck --full --strict; git -C bare.git fsck --full`, needs: "git"},
	{name: "git log -p", script: `git -C repo log -p --all --stat; git -C bare.git log -p --graph`, needs: "git"},
	{name: "git show, blame, grep", script: `cd repo; git show v1 HEAD~3:log.txt; git blame log.txt; git grep -n 7 v1 -- dir`, needs: "git"},
	// The index has the stat of other files, so git compares the bytes, and would
	// write what it found. run.sh was executable.
	{name: "git status", script: `cp repo/.git/index "$OUT"; export GIT_INDEX_FILE="$OUT/index"; chmod u+w "$OUT/index"
		cd repo; git status; git diff; git -c core.fileMode=false status --porcelain`, needs: "git"},
	{name: "git cat-file", script: `git -C repo cat-file --batch-all-objects --batch-check`, needs: "git"},
	{name: "git archive", script: `git -C repo archive HEAD | sha256sum`, needs: "git"},
	{name: "git clone", script: `for from in repo bare.git; do
			git clone -q --no-hardlinks "$PWD/$from" "$OUT/$from"; git -C "$OUT/$from" log --format='%H %d'; git -C "$OUT/$from" fsck; done`, needs: "git"},
	{name: "git checkout elsewhere", script: `export GIT_INDEX_FILE="$OUT/index"; mkdir "$OUT/tree"
		git --git-dir=repo/.git --work-tree="$OUT/tree" read-tree v1
		git --git-dir=repo/.git --work-tree="$OUT/tree" checkout-index -a; cd "$OUT/tree"; find . -type f -exec sha256sum {} +| sort`, needs: "git"},

	{name: "sqlite3 integrity_check", script: `for db in plain wal broken; do
			sqlite3 "file:db/$db.sqlite?immutable=1" 'pragma integrity_check' 2>&1 || echo "$?"; done`, needs: "sqlite3"},
	{name: "sqlite3 .dump", script: `sqlite3 'file:db/plain.sqlite?immutable=1' .dump | sha256sum`, needs: "sqlite3"},
	{name: "sqlite3 -readonly", script: `sqlite3 -readonly db/plain.sqlite 'pragma mmap_size = 100000000; select count(*), sum(n), max(length(b)) from t'
		sqlite3 db/plain.sqlite "select * from t where word between 'word777' and 'word7779' order by word"`, needs: "sqlite3"},

	{name: "unzip -t", script: `unzip -t pack/text.zip; zipinfo pack/text.zip; unzip -p pack/text.zip text/words | sha256sum`, needs: "zip unzip"},
	{name: "unzip", script: `unzip -q pack/text.zip -d "$OUT"; diff -r "$OUT/text" text || true`, needs: "zip unzip"},
	{name: "zip -T", script: `zip -T pack/text.zip; zip -q -X "$OUT/new.zip" text/words text/long; sha256sum <"$OUT/new.zip"`, needs: "zip unzip"},
	{name: "tar -x", script: `tar -xf pack/text.tar -C "$OUT"; diff -r "$OUT/text" text; tar -tvzf pack/text.tar.gz; gzip -t pack/text.tar.gz`},
	{name: "unsquashfs", script: `unsquashfs -s pack/image.squashfs; unsquashfs -q -n -d "$OUT/un" pack/image.squashfs; diff -r "$OUT/un/text" text`, needs: "mksquashfs unsquashfs"},

	{name: "python3 -m compileall", script: `export PYTHONPYCACHEPREFIX="$OUT/cache"
		python3 -m compileall py | sort; find "$OUT" -name '*.pyc' | wc -l
		cd py; python3 -m calc; python3 -v -c 'import calc.ops' 2>&1 | grep -c 'matches.*calc/'`, needs: "python3"},
	{name: "python3 -m unittest", script: `export PYTHONDONTWRITEBYTECODE=1
		cd py; python3 -m unittest discover -s calc/tests -t . 2>&1 | sed 's/ in .*s$//'`, needs: "python3"},
	{name: "python3 from a zip", script: `PYTHONPATH=pack/calc.zip python3 -m calc`, needs: "python3 zip"},
	{name: "python3, walks and maps", script: `python3 -B py/walk.py "$OUT" "$LOCAL"`, needs: "python3"},
	{name: "python3, a library", script: `python3 -c 'import ctypes; print(ctypes.CDLL("c/lib/libcalc.so").add(40, 2))'`, needs: "python3 gcc"},

	{name: "gcc", script: `for f in c/src/*.c; do gcc -O1 -Wall -g -Ic/include -MMD -c "$f" -o "$OUT/$(basename "$f").o"; done
		gcc -Ic/include -E c/src/main.c | sha256sum
		cd "$OUT"; cat main.c.d; gcc -o calc *.o; ./calc`, needs: "gcc"},
	{name: "gcc, libraries", script: `gcc -Ic/include c/src/main.c -o "$OUT/static" c/lib/libcalc.a; "$OUT/static"
		gcc -Ic/include c/src/main.c -o "$OUT/shared" -Lc/lib -lcalc; LD_LIBRARY_PATH=c/lib "$OUT/shared"`, needs: "gcc"},
	{name: "objdump", script: `objdump -d c/lib/libcalc.so c/bin/calc | sha256sum; ar t c/lib/libcalc.a; nm c/lib/libcalc.a`, needs: "gcc"},
	{name: "make", script: `ln -s "$PWD/c" "$OUT/src"; cd "$OUT"
		make -f src/Makefile SRC=src; ./calc; make -f src/Makefile SRC=src -q
		rm add.o; make -f src/Makefile SRC=src`, needs: "gcc make"},

	{name: "less", script: `less text/words; less +100 -E text/utf-8 | tail -n 3; less -p word777 text/no-line-end`, needs: "less"},
	{name: "vim -R", script: `vim -R -n -es -u NONE -i NONE text/words -c '1' -c '/word777 /;+3print' -c '$print' -c 'qa!'
		vim -R -n -es -u NONE -i NONE text/utf-8 -c '%print' -c 'qa!'`, needs: "vim"},
	{name: "sort, awk, sed, tac", script: `sort -k2 text/words | sha256sum; awk '{s += $1} END {print s, NR}' text/words
		sed -n '$p;5,7p' text/words; tac text/words | sha256sum; tail -n 5 text/words text/long | sha256sum`},
	{name: "split, comm, od, wc", script: `split -n 5 text/random "$OUT/x"; cat "$OUT"/x* | cmp - text/random
		comm -3 text/words text/words; od -Ax -tx1 -j 5000000 text/random | tail -n 2; wc text/* || echo "$?"`},
	{name: "grep", script: `grep -rc word777 text py c | sort || true; grep -ob Ελληνικά text/utf-8 | tail -n 1; grep -rl 'absent anywhere' . || echo "$?"`},
	{name: "cat, absent", script: `cat text/no-such text text/one/x "text/$(printf 'n%.0s' $(seq 256))" || echo "$?"; ls -l text/words/ || echo "$?"`},

	{name: "dd, direct", script: `flag=iflag=direct; [ "$PWD" != "$LOCAL" ] || flag= # a local file system may not know it
		for f in text/zeros text/words text/one text/random; do for bs in 4k 64k 1M; do
			dd if="$f" $flag bs=$bs status=none | sha256sum; dd if="$f" $flag bs=$bs skip=1 count=2 status=none | sha256sum; done; done`},
	{name: "ffmpeg", script: `for f in video fast; do ffprobe -hide_banner pack/$f.mp4 2>&1
			ffmpeg -v error -i pack/$f.mp4 -f framemd5 -; ffmpeg -v error -ss 2 -i pack/$f.mp4 -f framemd5 -; done`, needs: "ffmpeg"},
	{name: "fio --verify", script: `direct=1; [ "$PWD" != "$LOCAL" ] || direct=0
		for how in randread 'read --ioengine=mmap' "randread --ioengine=libaio --direct=$direct --iodepth=16"; do
			fio --name=verify --filename="$PWD/pack/fio.data" --rw=$how --bs=4k --size=8M --verify=crc32c --verify_fatal=1 --randseed=1 \
				--readonly --allow_file_create=0 --output="$OUT/said"; grep -o 'err=.*: pid' "$OUT/said"; done`, needs: "fio"},
}

func TestPrograms(t *testing.T) {
	c := corpus(t)
	for _, run := range programRuns {
		t.Run(run.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range strings.Fields(run.needs) {
				needTool(t, name)
			}
			want, got := c.run(t, nil, c.dir, run.script), c.run(t, c.mount, c.mount.Dir, run.script)
			same(t, "exit code", got.Code, want.Code)
			compare(t, "output", got.Stdout, want.Stdout)
			compare(t, "errors", got.Stderr, want.Stderr)
			if want.Code != 0 { // the script is wrong: what may fail, it says itself
				t.Errorf("exit code %d in the local copy, after %s%s", want.Code, excerpt(want.Stdout), excerpt(want.Stderr))
			}
		})
	}
}

// run runs a script in dir, with an empty $OUT whose name is the same for every
// run: it is the working directory's name that a program may say.
func (c corpusDir) run(t testing.TB, m *rig.Mount, dir, script string) rig.Result {
	t.Helper()
	out, err := os.MkdirTemp(workDir, "out-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		exec.Command("chmod", "-R", "u+w", out).Run()
		if err := os.RemoveAll(out); err != nil {
			t.Error(err)
		}
	})
	cmd := shell(script)
	cmd.Env = append(cmd.Env, programEnvironment...)
	cmd.Env = append(cmd.Env, "OUT="+out, "LOCAL="+c.dir, "TAR="+c.archive)
	r := try(t, m, dir, cmd)
	for _, text := range []*string{&r.Stdout, &r.Stderr} {
		*text = strings.NewReplacer(out, "$OUT", dir, "$PWD", filepath.Base(out), "$OUT").Replace(*text)
	}
	return r
}

func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s in the mount: %v, want %v", what, got, want)
	}
}

// compare shows the first lines that differ.
func compare(t testing.TB, what, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := lines(got), lines(want)
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	t.Errorf("%s from line %d on, in the mount:\n%s\nin the local copy:\n%s", what, i+1,
		excerpt(strings.Join(g[min(i, len(g)):], "\n")), excerpt(strings.Join(w[min(i, len(w)):], "\n")))
}
