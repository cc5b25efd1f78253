package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk"  // a format
	_ "github.com/goreleaser/nfpm/v2/arch" // a format
	_ "github.com/goreleaser/nfpm/v2/deb"  // a format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // a format

	"github.com/arc4tun/arc4tun/packaging/pack/internal/source"
)

// packing is what to pack, and whereto.
type packing struct {
	root, out        string
	version, release string
	program          string    // instead of building one
	work             string    // the folder of the description
	epoch            time.Time // when everything in a package is said to have changed last
}

// run makes the packages of the named architectures and formats, and gives their paths.
func (p *packing) run(arches, formats []string) ([]string, error) {
	list, err := chosen(arches, formats)
	if err != nil {
		return nil, err
	}
	if err := p.complete(); err != nil {
		return nil, err
	}
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := p.fromTheProgram(); err != nil {
		return nil, err
	}
	var made []string
	for _, t := range list {
		if err := p.provide(t); err != nil {
			return nil, err
		}
		for _, format := range t.formats {
			file, err := p.write("nfpm.yaml", t.arch, format)
			if err != nil {
				return nil, fmt.Errorf("%s for %s: %w", format, t.arch, err)
			}
			made = append(made, file)
		}
	}
	for _, format := range formatsOf(list) {
		file, err := p.write("networkmanager.yaml", "all", format)
		if err != nil {
			return nil, fmt.Errorf("%s for NetworkManager: %w", format, err)
		}
		made = append(made, file)
	}
	return made, nil
}

// complete makes paths absolute and finds out when the commit was made.
func (p *packing) complete() (err error) {
	if !strings.HasPrefix(p.version, "v") {
		return fmt.Errorf("-version %q: must be v and a number, such as v1.2.3", p.version)
	}
	for _, path := range []*string{&p.root, &p.out, &p.program} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if p.epoch, err = source.Epoch(p.root); err != nil {
		return err
	}
	if err := os.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(p.epoch.Unix(), 10)); err != nil {
		return err
	}
	return os.MkdirAll(p.out, 0o755)
}

// enter makes a copy of packaging/linux and goes there, since nfpm finds what the description names
// from where the process is; leave removes it.
func (p *packing) enter() (leave func(), err error) {
	dir, err := os.MkdirTemp("", "arc4-packages")
	if err != nil {
		return nil, err
	}
	leave = func() { _ = os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			leave()
		}
	}()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(p.root, "packaging/linux"))); err != nil {
		return nil, err
	}
	p.work = dir
	return leave, os.Chdir(dir)
}

// age has everything here be as old as the commit: of some files and folders nfpm takes that over.
func (p *packing) age() error {
	return filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		return cmp.Or(err, os.Chtimes(path, p.epoch, p.epoch))
	})
}

// write makes one package of a description in one format and gives its path.
func (p *packing) write(description, arch, format string) (string, error) {
	variables := map[string]string{"ARCH": arch, "VERSION": p.version, "RELEASE": p.release}
	config, err := nfpm.ParseFileWithEnvMapping(description, func(name string) string { return variables[name] })
	if err != nil {
		return "", err
	}
	info, err := config.Get(format)
	if err != nil {
		return "", err
	}
	info.MTime = p.epoch
	for _, c := range info.Contents {
		if c.FileInfo == nil {
			c.FileInfo = &files.ContentFileInfo{}
		}
		c.FileInfo.MTime = p.epoch
	}
	if info.Changelog, err = p.writeChangelog(config.Maintainer); err != nil {
		return "", err
	}
	if err := p.age(); err != nil {
		return "", err
	}
	if format == "apk" || format == "archlinux" { // they have room for a line
		info.Description, _, _ = strings.Cut(info.Description, "\n")
	}
	info = nfpm.WithDefaults(info)
	packager, err := nfpm.Get(format)
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.out, packager.ConventionalFileName(info))
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	err = packager.Package(info, f)
	return path, cmp.Or(err, f.Close())
}
