package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/apk" // a format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/ipk" // a format
)

// pack is one package.
type pack struct {
	name, description string
	depends           []string
	anywhere          bool // it runs on all processors
	luci              bool
}

var packs = map[string]pack{
	"arc4":            {name: "arc4", description: "PPTP client and server in userspace", depends: []string{"kmod-tun", "resolveip"}},
	"luci-proto-arc4": {name: "luci-proto-arc4", description: "LuCI support for PPTP by arc4", depends: []string{"arc4", "luci-base"}, anywhere: true, luci: true},
}

// write makes one package in one format and gives its path.
func (p *packing) write(name, format string) (string, error) {
	k := packs[name]
	dir, err := os.MkdirTemp("", "pack")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	if err := p.fill(k, tree); err != nil {
		return "", err
	}
	if format == "apk" {
		if err := apkLists(tree, name); err != nil {
			return "", err
		}
	}
	contents, err := contentsOf(tree)
	if err != nil {
		return "", err
	}
	scripts, err := writeScripts(dir, k, format)
	if err != nil {
		return "", err
	}
	arch := p.arch
	if k.anywhere {
		arch = map[string]string{"ipk": "all", "apk": "noarch"}[format]
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: k.name, Arch: arch, Version: p.version, Release: p.release, Section: "net", Maintainer: "the arc4tun authors",
		Description: k.description, Homepage: "https://github.com/arc4tun/arc4tun", License: "MIT", MTime: epoch(),
		Overridables: nfpm.Overridables{Depends: k.depends, Contents: contents, Scripts: scripts},
	})
	if format == "apk" {
		info.APK.Scripts.PostUpgrade = filepath.Join(dir, "postupgrade") // opkg runs postinst then, too
		info.Release = "r" + p.release                                   // in a file's name and in the package as 1.2.3-r4
	}
	return p.encode(info, format)
}

// encode writes the archive.
func (p *packing) encode(info *nfpm.Info, format string) (string, error) {
	writer, err := nfpm.Get(format)
	if err != nil {
		return "", err
	}
	out := filepath.Join(p.out, fmt.Sprintf("%s_%s-%s_%s.%s", info.Name, info.Version, info.Release, info.Arch, format))
	f, err := os.Create(out)
	if err != nil {
		return "", err
	}
	err = writer.Package(info, f)
	return out, cmp.Or(err, f.Close())
}

// epoch is when everything in a package is said to have changed last.
func epoch() time.Time {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		seconds = 1700000000
	}
	return time.Unix(seconds, 0).UTC()
}

// fill puts what a package installs into a folder.
func (p *packing) fill(k pack, tree string) error {
	if k.luci {
		return os.CopyFS(filepath.Join(tree, "www"), os.DirFS(filepath.Join(p.feed, k.name, "htdocs")))
	}
	if err := p.feedFiles(tree); err != nil {
		return err
	}
	program, err := os.ReadFile(p.program)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(tree, "usr/sbin/arc4"), program, 0o755)
}

const configuration = "/etc/config/arc4"

// apkLists adds what OpenWrt's default_postinst looks for in a package of apk's.
func apkLists(tree, name string) error {
	var list []string
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, strings.TrimPrefix(path, tree))
		}
		return err
	})
	if err != nil {
		return err
	}
	sort.Strings(list)
	dir := filepath.Join(tree, "lib/apk/packages")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, name+".list"), []byte(strings.Join(list, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	if _, err := os.Stat(tree + configuration); err != nil {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, name+".conffiles"), []byte(configuration+"\n"), 0o644)
}

// contentsOf lists a folder for nfpm.
func contentsOf(tree string) (files.Contents, error) {
	var list files.Contents
	err := filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		c := &files.Content{
			Source: path, Destination: strings.TrimPrefix(path, tree), Type: files.TypeFile,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: info.Mode().Perm(), MTime: epoch()},
		}
		if c.Destination == configuration {
			c.Type = files.TypeConfigNoReplace
		}
		list = append(list, c)
		return nil
	})
	return list, err
}

// The scripts of a package leave everything to OpenWrt's own functions, which run what lies in
// etc/uci-defaults, and enable and start, or stop and disable, what lies in etc/init.d.
const (
	functions = "#!/bin/sh\n[ \"$IPKG_NO_SCRIPT\" != 1 ] || exit 0\n[ -s \"$IPKG_INSTROOT/lib/functions.sh\" ] || exit 0\n. \"$IPKG_INSTROOT/lib/functions.sh\"\n"
	ofAPK     = "export root=\"$IPKG_INSTROOT\"\nexport pkgname=%s\n"
	caches    = "[ -n \"$IPKG_INSTROOT\" ] || rm -rf /tmp/luci-indexcache* /tmp/luci-modulecache\nexit 0\n"
)

// scriptText is what a script has after its beginning.
func scriptText(k pack, format, step string) string {
	text := functions
	if format == "apk" {
		text += fmt.Sprintf(ofAPK, k.name) + step + "\n"
	} else {
		text += step + " \"$0\" \"$@\"\n"
	}
	if k.luci {
		text += caches
	}
	return text
}

func writeScripts(dir string, k pack, format string) (nfpm.Scripts, error) {
	s := nfpm.Scripts{PostInstall: filepath.Join(dir, "postinst"), PreRemove: filepath.Join(dir, "prerm")}
	texts := map[string]string{
		s.PostInstall:                     scriptText(k, format, "default_postinst"),
		s.PreRemove:                       scriptText(k, format, "default_prerm"),
		filepath.Join(dir, "postupgrade"): scriptText(k, format, "export PKG_UPGRADE=1\ndefault_postinst"),
	}
	for path, text := range texts {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			return s, err
		}
		if err := os.Chtimes(path, epoch(), epoch()); err != nil {
			return s, err
		}
	}
	return s, nil
}
