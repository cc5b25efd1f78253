package main

import (
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/arc4tun/arc4tun/packaging/pack/internal/source"
)

// built is the folder, beside the description, of what is not there in the repository.
const built = "built"

// provide puts the program for a target where the description has it.
func (p *packing) provide(t target) error {
	path := filepath.Join(built, "arc4")
	if p.program == "" {
		return source.Build(p.root, p.version, filepath.Join(p.work, path), t.buildArguments(), t.environment())
	}
	program, err := os.ReadFile(p.program)
	if err != nil {
		return err
	}
	return os.WriteFile(path, program, 0o755)
}

// fromTheProgram puts into built what is the same for all architectures: manual pages and
// completion, which a program of this machine writes; licences; and what has changed.
func (p *packing) fromTheProgram() error {
	if err := os.MkdirAll(filepath.Join(built, "completion"), 0o755); err != nil {
		return err
	}
	program := p.program
	if program == "" {
		program = filepath.Join(p.work, built, "native")
		if err := source.Build(p.root, p.version, program, nil, nil); err != nil {
			return err
		}
	}
	man := filepath.Join(built, "man")
	if out, err := exec.Command(program, "man", "--dir", filepath.Join(man, "man1")).CombinedOutput(); err != nil {
		return fmt.Errorf("arc4 man: %w\n%s", err, out)
	}
	if err := packAll(man); err != nil {
		return err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		out, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("arc4 completion %s: %w", shell, err)
		}
		if err := os.WriteFile(filepath.Join(built, "completion", "arc4."+shell), out, 0o644); err != nil {
			return err
		}
	}
	licenses, err := source.Licenses(p.root)
	if err != nil {
		return err
	}
	if err := pack(filepath.Join(built, "third-party-licenses.gz"), licenses); err != nil {
		return err
	}
	license, err := os.ReadFile(filepath.Join(p.root, "LICENSE"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(built, "LICENSE"), license, 0o644); err != nil {
		return err
	}
	changes, err := os.ReadFile(filepath.Join(p.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	return pack(filepath.Join(built, "changelog.gz"), changes)
}

// writeChangelog writes what package managers show of a version, and gives the path: what has
// changed is told in CHANGELOG.md, for people.
func (p *packing) writeChangelog(maintainer string) (string, error) {
	path := filepath.Join(built, "changelog.yaml")
	text := fmt.Sprintf(`- semver: %s
  date: %s
  packager: %s
  deb: {urgency: medium, distributions: [stable]}
  changes: [{note: "New version; what is new in it, CHANGELOG.md tells (/usr/share/doc/arc4)."}]
`, strings.TrimPrefix(p.version, "v")+"-"+p.release, p.epoch.Format("2006-01-02T15:04:05Z"), maintainer)
	return path, os.WriteFile(path, []byte(text), 0o644)
}

// packAll replaces the files below a folder by compressed ones.
func packAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := pack(path+".gz", text); err != nil {
			return err
		}
		return os.Remove(path)
	})
}

// pack writes a file as `gzip -9n` would.
func pack(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return f.Close()
}
