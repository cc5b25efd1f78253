package main

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// made makes the image of a program that is a word, in a folder of its own.
func made(t *testing.T, arches ...string) string {
	t.Helper()
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	program := filepath.Join(t.TempDir(), "arc4")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	m := making{root: "../../..", version: "v1.2.3", out: t.TempDir(), program: program}
	path, err := m.run(arches)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// unpacked unpacks an archive.
func unpacked(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(1700000000, 0)) {
			t.Errorf("%s is of %v", h.Name, h.ModTime)
		}
		to := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := os.Mkdir(to, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLayout: what comes out is an OCI layout of one image, whose digests are right, and the same
// image for Docker.
func TestLayout(t *testing.T) {
	path := made(t, "amd64")
	index, err := layout.ImageIndexFromPath(unpacked(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Manifests) != 1 || list.Manifests[0].MediaType != types.OCIManifestSchema1 ||
		list.Manifests[0].Annotations["io.containerd.image.name"] != "localhost/arc4:v1.2.3" {
		t.Errorf("the index has %+v", list.Manifests)
	}
	docker, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(docker); err != nil {
		t.Error(err)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil || len(manifest) != 1 || manifest[0].RepoTags[0] != "localhost/arc4:v1.2.3" {
		t.Errorf("Docker finds %+v, %v", manifest, err)
	}
	one, err := index.Image(list.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	for from, image := range map[string]v1.Image{"the layout": one, "Docker's archive": docker} {
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(config.Config)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			`"User":"65532:65532"`, `"Entrypoint":["arc4"]`, `"Cmd":["connect"]`, `"StopSignal":"SIGTERM"`,
			`"Test":["CMD","/usr/bin/arc4","status","--check"]`, `"org.opencontainers.image.version":"v1.2.3"`,
			`"org.opencontainers.image.created":"2023-11-14T22:13:20Z"`,
		} {
			if !strings.Contains(string(got), want) {
				t.Errorf("%s: no %s in %s", from, want, got)
			}
		}
	}
}

// TestFiles: what the layer holds, and the capabilities of the program, which are permitted and not
// in effect by themselves.
func TestFiles(t *testing.T) {
	image, err := tarball.ImageFromPath(made(t, "amd64"), nil)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	text, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	got := map[string]string{}
	for r := tar.NewReader(text); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = h.FileInfo().Mode().String() + h.PAXRecords["SCHILY.xattr.security.capability"]
	}
	const may = "\x00\x00\x00\x02" + "\x00\x30\x00\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00"
	want := map[string]string{
		"etc/": "drwxr-xr-x", "etc/passwd": "-rw-r--r--", "etc/group": "-rw-r--r--",
		"usr/": "drwxr-xr-x", "usr/bin/": "drwxr-xr-x", "usr/bin/arc4": "-rwxr-xr-x" + may,
		"usr/share/": "drwxr-xr-x", "usr/share/doc/": "drwxr-xr-x", "usr/share/doc/arc4/": "drwxr-xr-x",
		"usr/share/doc/arc4/LICENSE": "-rw-r--r--", "usr/share/doc/arc4/third-party-licenses": "-rw-r--r--",
		"tmp/": "dtrwxrwxrwx",
	}
	for name, mode := range want {
		if got[name] != mode {
			t.Errorf("%s is %q, not %q", name, got[name], mode)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s should not be there", name)
	}
}

// TestAll: the images for all platforms are one, and Docker finds each by a tag.
func TestAll(t *testing.T) {
	path := made(t, "all")
	index, err := layout.ImageIndexFromPath(unpacked(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	outer, err := index.IndexManifest()
	if err != nil || len(outer.Manifests) != 1 || outer.Manifests[0].MediaType != types.OCIImageIndex {
		t.Fatal(outer, err)
	}
	inner, err := index.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	list, err := inner.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range list.Manifests {
		got = append(got, m.Platform.String())
	}
	if want := "linux/amd64 linux/arm64/v8 linux/arm/v7"; strings.Join(got, " ") != want {
		t.Errorf("platforms %v, not %s", got, want)
	}
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil || len(manifest) != 3 || manifest[2].RepoTags[0] != "localhost/arc4:v1.2.3-arm" {
		t.Errorf("Docker finds %+v, %v", manifest, err)
	}
}

// TestSameBytes: the same commit gives the same bytes.
func TestSameBytes(t *testing.T) {
	one, err := os.ReadFile(made(t, "all"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(made(t, "all"))
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) {
		t.Error("they differ")
	}
}

// TestRefused: what cannot be made is told with the value.
func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		version string
		arches  []string
		want    string
	}{
		"no version":      {"", []string{"amd64"}, `-version "": must be v and a number`},
		"no tag":          {"v1.2.3+dirty", []string{"amd64"}, `-version "v1.2.3+dirty"`},
		"no architecture": {"v1.2.3", nil, "-arch: name some of amd64, arm64, arm"},
		"another":         {"v1.2.3", []string{"mips"}, "-arch mips: must be all, or some of amd64"},
	} {
		t.Run(name, func(t *testing.T) {
			m := making{root: "../../..", version: tc.version, out: t.TempDir()}
			if _, err := m.run(tc.arches); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, without %q", err, tc.want)
			}
		})
	}
}
