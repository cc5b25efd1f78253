package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/arc4tun/arc4tun/packaging/pack/internal/source"
)

// name is the image's: that of one which comes from no registry, and for which none is asked.
const name = "localhost/arc4"

// platforms are what there is an image for. Each is called by its processor, as GOARCH has it.
var platforms = []v1.Platform{
	{OS: "linux", Architecture: "amd64"},
	{OS: "linux", Architecture: "arm64", Variant: "v8"},
	{OS: "linux", Architecture: "arm", Variant: "v7"},
}

// architectures are their names.
func architectures() (names []string) {
	for _, p := range platforms {
		names = append(names, p.Architecture)
	}
	return names
}

// making is what to make an image of, and whereto.
type making struct {
	root, out string
	version   string
	program   string    // instead of building one
	epoch     time.Time // when everything in it is said to have changed last
}

// run makes the image for the named architectures, and gives the file's path.
func (m *making) run(arches []string) (string, error) {
	list, err := chosen(arches)
	if err != nil {
		return "", err
	}
	if err := m.complete(); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp("", "arc4-image")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	licenses, err := m.licenses()
	if err != nil {
		return "", err
	}
	var images []v1.Image
	for _, p := range list {
		program, err := m.provide(p, filepath.Join(work, "arc4"))
		if err != nil {
			return "", err
		}
		image, err := m.image(p, append(licenses, file{"usr/bin/arc4", 0o755, program}))
		if err != nil {
			return "", fmt.Errorf("for %s: %w", p.Architecture, err)
		}
		images = append(images, image)
	}
	path := filepath.Join(m.out, m.file(list))
	if err := m.write(path, work, list, images); err != nil {
		_ = os.Remove(path)
		return "", err
	}
	return path, nil
}

// chosen are the platforms of these names.
func chosen(arches []string) (list []v1.Platform, err error) {
	if slices.Equal(arches, []string{"all"}) {
		return platforms, nil
	}
	for _, a := range arches {
		i := slices.Index(architectures(), a)
		if i < 0 {
			return nil, fmt.Errorf("-arch %s: must be all, or some of %s", a, strings.Join(architectures(), ", "))
		}
		list = append(list, platforms[i])
	}
	if list == nil {
		return nil, fmt.Errorf("-arch: name some of %s, or all", strings.Join(architectures(), ", "))
	}
	return list, nil
}

// tagForm is what a registry takes for a tag.
var tagForm = regexp.MustCompile(`^v[\w.-]{1,120}$`)

// complete makes paths absolute and finds out when the commit was made.
func (m *making) complete() (err error) {
	if !tagForm.MatchString(m.version) {
		return fmt.Errorf("-version %q: must be v and a number, such as v1.2.3, of letters, digits, '.', '_' and '-'", m.version)
	}
	for _, path := range []*string{&m.root, &m.out, &m.program} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if m.epoch, err = source.Epoch(m.root); err != nil {
		return err
	}
	return os.MkdirAll(m.out, 0o755)
}

// provide gives the program for a platform.
func (m *making) provide(p v1.Platform, path string) ([]byte, error) {
	if m.program != "" {
		return os.ReadFile(m.program)
	}
	arguments := []string{"-goos", p.OS, "-goarch", p.Architecture}
	if p.Architecture == "arm" {
		arguments = append(arguments, "-goarm", strings.TrimPrefix(p.Variant, "v"))
	}
	if err := source.Build(m.root, m.version, path, arguments, nil); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// licenses are those of the program, and of what is linked into it.
func (m *making) licenses() ([]file, error) {
	const dir = "usr/share/doc/arc4/"
	own, err := os.ReadFile(filepath.Join(m.root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	others, err := source.Licenses(m.root)
	if err != nil {
		return nil, err
	}
	return []file{{dir + "LICENSE", 0o644, own}, {dir + "third-party-licenses", 0o644, others}}, nil
}

// file is the name of the image's file.
func (m *making) file(list []v1.Platform) string {
	var arches []string
	for _, p := range list {
		arches = append(arches, p.Architecture)
	}
	if len(arches) == len(platforms) {
		arches = []string{"all"}
	}
	return fmt.Sprintf("arc4-%s-%s.tar", m.version, strings.Join(arches, "-"))
}
