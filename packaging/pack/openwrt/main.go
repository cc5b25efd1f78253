// Command openwrt makes packages for OpenWrt without its SDK: arc4 and luci-proto-arc4, as .ipk for
// opkg (up to OpenWrt 24.10) and as .apk for apk (from 25.12 on).
//
//	go run -C packaging/pack ./openwrt -goarch mipsle -program /tmp/arc4-router-mipsle -out /tmp
//
// The program is static, so that one of a GOARCH runs on all processors of that kind; the name of
// the kind must be that of the router: `opkg print-architecture` or `apk --print-arch` says it.
//
// This is a module of its own: what writes package archives (nfpm) would bring forty more modules
// into that of arc4.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	var p packing
	flag.StringVar(&p.program, "program", "", "`FILE` of the router build of arc4")
	flag.StringVar(&p.goarch, "goarch", "mipsle", "GOARCH that it was built for")
	flag.StringVar(&p.arch, "arch", "", "the router's `ARCHITECTURE` as OpenWrt calls it (default: the usual one of -goarch)")
	flag.StringVar(&p.feed, "feed", "../openwrt", "`FOLDER` packaging/openwrt of the repository")
	flag.StringVar(&p.out, "out", ".", "`FOLDER` for the packages")
	flag.Parse()
	files, err := p.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "openwrt:", err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(files, "\n"))
}

// usual are OpenWrt's names of what most routers of a GOARCH are.
var usual = map[string]string{
	"mipsle": "mipsel_24kc", "mips": "mips_24kc", "arm": "arm_cortex-a7_neon-vfpv4", "arm64": "aarch64_cortex-a53", "amd64": "x86_64",
}

// packing is what to pack, and whereto.
type packing struct {
	program, goarch, arch string
	feed, out             string
	version, release      string
}

// run gives the packages it has made.
func (p *packing) run() ([]string, error) {
	if p.arch == "" {
		p.arch = usual[p.goarch]
	}
	switch {
	case p.arch == "":
		return nil, fmt.Errorf("-goarch %s: no usual architecture of OpenWrt's; name the router's with -arch", p.goarch)
	case p.program == "":
		return nil, fmt.Errorf("no -program: build one with `make router GOARCH=%s`", p.goarch)
	}
	if err := p.readVersion(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return nil, err
	}
	var made []string
	for _, name := range []string{"arc4", "luci-proto-arc4"} {
		for _, format := range []string{"ipk", "apk"} {
			file, err := p.write(name, format)
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", name, format, err)
			}
			made = append(made, file)
		}
	}
	return made, nil
}

// readVersion has the packages be of the same version as those that the feed builds.
func (p *packing) readVersion() error {
	text, err := os.ReadFile(filepath.Join(p.feed, "arc4/Makefile"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":=")
		switch name {
		case "PKG_VERSION":
			p.version = value
		case "PKG_RELEASE":
			p.release = value
		}
	}
	if p.version == "" || p.release == "" {
		return fmt.Errorf("%s/arc4/Makefile: says neither PKG_VERSION nor PKG_RELEASE", p.feed)
	}
	return nil
}

// feedFiles has the feed's own Makefile install a package into a folder, with doubles of what it
// includes: one list of files is enough.
func (p *packing) feedFiles(dest string) error {
	top, err := filepath.Abs(filepath.Join(p.feed, "testdata/feed"))
	if err != nil {
		return err
	}
	cmd := exec.Command("make", "--no-print-directory", "TOPDIR="+top, "INCLUDE_DIR="+top+"/include", "DESTDIR="+dest, "into")
	cmd.Dir = filepath.Join(p.feed, "arc4")
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MAKE") && !strings.HasPrefix(v, "MFLAGS") { // of the make that runs this
			cmd.Env = append(cmd.Env, v)
		}
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, output)
	}
	return nil
}
