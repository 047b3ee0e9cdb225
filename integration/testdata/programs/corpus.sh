# Makes what real programs work on, in the working directory: each by the program
# whose format it is, and only where that program is installed.
set -euo pipefail
here=$(dirname "$0")
have() { command -v "$1" >/dev/null; }

cp -r "$here/c" "$here/py" .

if have gcc; then
	for f in c/src/*.c; do
		gcc -O1 -fPIC -Ic/include -c "$f" -o "c/$(basename "$f" .c).o"
	done
	mkdir c/lib c/bin
	ar rcD c/lib/libcalc.a c/add.o c/mul.o
	gcc -shared -o c/lib/libcalc.so c/add.o c/mul.o
	gcc -o c/bin/calc c/*.o
	rm c/*.o
fi

if have git; then
	git init -q -b main repo
	cd repo
	export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
	commit() {
		GIT_AUTHOR_DATE="$((1700000000 + $1 * 60)) +0100" GIT_COMMITTER_DATE="$((1700000000 + $1 * 61)) +0000"
		git add -A
		git commit -qm "change $1"
	}
	mkdir -p dir/of/files
	head -c 200000 ../text/random >binary
	printf '#!/bin/sh\necho run\n' >run.sh
	chmod +x run.sh # a bucket has no modes: git will see it changed
	for i in $(seq 24); do
		seq "$i" "$((i * 9))" >"dir/of/files/$((i % 5)).txt"
		printf 'line %d\n' "$i" >>log.txt
		commit "$i"
		if [ "$i" = 12 ]; then git tag -a -m 'a tag' v1; fi
		if [ "$i" = 16 ]; then git gc -q; fi # from here on loose objects, before it a pack
	done
	git checkout -q -b side v1
	echo side >side.txt
	commit 30
	git checkout -q main
	git merge -q --no-ff -m 'a merge' side
	git update-server-info
	cd ..
	git clone -q --bare --no-hardlinks repo bare.git # all packed: its refs/heads is an empty directory
fi

if have sqlite3; then
	mkdir db
	fill="create table t (id integer primary key, word text, n real, b blob);
		create index words on t (word);
		with recursive c(i) as (select 1 union all select i + 1 from c where i < 20000)
		insert into t select i, 'word' || (i * 7919 % 20000), i / 3.0, zeroblob(i % 50) from c;"
	sqlite3 db/plain.sqlite "$fill"
	sqlite3 db/wal.sqlite "pragma journal_mode = wal; $fill" >db/said
	rm db/said
	cp db/plain.sqlite db/broken.sqlite
	head -c 3000 /dev/zero | dd of=db/broken.sqlite bs=1 seek=100000 conv=notrunc status=none
fi

mkdir pack
tar -cf pack/text.tar text
tar -czf pack/text.tar.gz text
if have zip; then
	zip -qr pack/text.zip text -x text/before-1980 text/after-2038 # which a zip cannot say
	(cd py && zip -q ../pack/calc.zip calc/*.py calc/*.txt)
fi
if have mksquashfs; then
	mksquashfs text py c pack/image.squashfs -quiet -no-progress -processors 2
fi
if have fio; then
	fio --name=write --filename=pack/fio.data --rw=randwrite --bs=4k --size=8M --verify=crc32c --do_verify=0 \
		--verify_state_save=0 --randseed=1 --ioengine=psync --output-format=json >/dev/null
fi
if have ffmpeg; then
	ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10 -t 3 -c:v mpeg4 pack/video.mp4
	ffmpeg -v error -f lavfi -i testsrc=size=160x120:rate=10 -t 3 -c:v mpeg4 -movflags +faststart pack/fast.mp4
fi
