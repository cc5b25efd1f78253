// Command linux makes the packages for Linux distributions: .deb, .rpm, Alpine's .apk and Arch
// Linux's, of what packaging/linux/nfpm.yaml lists.
//
//	go run -C packaging/pack ./linux -version v1.2.3 -out /tmp
//	go run -C packaging/pack ./linux -version v1.2.3 -out /tmp -arch amd64,arm7 -format deb
//
// The same commit, by the same Go, gives the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	var p packing
	flag.StringVar(&p.root, "root", "../..", "`FOLDER` of the repository")
	flag.StringVar(&p.version, "version", "", "`VERSION` of the packages and of the program in them, such as v1.2.3")
	flag.StringVar(&p.release, "release", "1", "`NUMBER` of the packages among those of the version")
	flag.StringVar(&p.out, "out", ".", "`FOLDER` for the packages")
	flag.StringVar(&p.program, "program", "", "`FILE` of arc4 to pack for every architecture, instead of building it; it must run here")
	arches := flag.String("arch", "", "`ARCHITECTURES` to make packages for, with commas (default: all): "+strings.Join(architectures(), ", "))
	formats := flag.String("format", "", "`FORMATS` of packages, with commas (default: all that the architecture is found with): deb, rpm, apk, archlinux")
	flag.Parse()
	files, err := p.run(words(*arches), words(*formats))
	if err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(files, "\n"))
}

// words are those of a list with commas.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
