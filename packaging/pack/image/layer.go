package main

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// file is one of the image.
type file struct {
	path string
	mode int64
	text []byte
}

// user is who the program runs as: the number that others' images without a shell have, too.
const user = 65532

// accounts are the files that give the numbers names.
func accounts() []file {
	return []file{
		{"etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\narc4:x:%d:%d:arc4:/tmp:/sbin/nologin\n", user, user)},
		{"etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\narc4:x:%d:\n", user)},
	}
}

// The capability of a file (capabilities(7), revision 2): permitted, but not in effect by itself,
// since who executes a file whose capability is in effect, and may not have it, is refused. The
// program puts what it gets into effect.
const (
	capRevision = 0x02000000
	capNetAdmin = 12
	capNetRaw   = 13
)

// capability is the extended attribute security.capability.
func capability() string {
	var b []byte
	for _, word := range []uint32{capRevision, 1<<capNetAdmin | 1<<capNetRaw, 0, 0, 0} {
		b = binary.LittleEndian.AppendUint32(b, word)
	}
	return string(b)
}

// layer makes the one layer of an image: the files, the folders they are in, and /tmp.
func layer(files []file, epoch time.Time) (v1.Layer, error) {
	text, err := archive(files, epoch)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text)), nil
	}, tarball.WithMediaType(types.OCILayer))
}

func archive(files []file, epoch time.Time) ([]byte, error) {
	files = slices.SortedFunc(slices.Values(files), func(a, b file) int { return strings.Compare(a.path, b.path) })
	var all bytes.Buffer
	w := tar.NewWriter(&all)
	made := map[string]bool{".": true}
	var folder func(name string, mode int64) error
	folder = func(name string, mode int64) error {
		if made[name] {
			return nil
		}
		made[name] = true
		if err := folder(path.Dir(name), 0o755); err != nil {
			return err
		}
		return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode, ModTime: epoch, Format: tar.FormatPAX})
	}
	for _, f := range files {
		if err := folder(path.Dir(f.path), 0o755); err != nil {
			return nil, err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.text)), ModTime: epoch, Format: tar.FormatPAX}
		if f.mode&0o111 != 0 {
			h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": capability()}
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.text); err != nil {
			return nil, err
		}
	}
	if err := folder("tmp", 0o1777); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return all.Bytes(), nil
}
