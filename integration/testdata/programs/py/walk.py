"""Goes through the working directory in the ways that Python has."""
import filecmp
import glob
import hashlib
import mmap
import os
import shutil
import sys
import tarfile

out, local = sys.argv[1:]
for path, dirs, files in sorted(os.walk("text")):
    print(path, sorted(dirs), sorted(files))
with os.scandir("many") as entries:
    kinds = [(e.is_file(), e.is_dir(), e.is_symlink(), e.inode() == os.stat(e.path).st_ino) for e in entries]
print(len(kinds), set(kinds))
print(len(glob.glob("**/*.txt", recursive=True)), sorted(glob.glob("*/deep/**", recursive=True)))
print(shutil.copytree("text", os.path.join(out, "text")) == os.path.join(out, "text"))
print(filecmp.cmpfiles("text", os.path.join(local, "text"), ["words", "utf-8", "absent"], shallow=False))
for name in ["text/words", "text/random"]:
    with open(name, "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        print(m.find(b"word777 "), m.rfind(b"\n"), hashlib.sha256(m).hexdigest())
        f.seek(-100, os.SEEK_END)
        print(len(f.read()), f.tell(), os.pread(f.fileno(), 7, 4095), os.SEEK_DATA and f.seek(0, os.SEEK_END))
with tarfile.open("pack/text.tar") as t:
    print(sorted(t.getnames()))
