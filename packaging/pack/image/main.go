// Command image makes the container image, as one file that Docker, Podman and skopeo load, without
// any of them: `FROM scratch`, with the program and little else.
//
//	go run -C packaging/pack ./image -version v1.2.3 -out /tmp
//	go run -C packaging/pack ./image -version v1.2.3 -out /tmp -arch amd64,arm64
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
	var m making
	flag.StringVar(&m.root, "root", "../..", "`FOLDER` of the repository")
	flag.StringVar(&m.version, "version", "", "`VERSION` of the program, such as v1.2.3, and tag of the image")
	flag.StringVar(&m.out, "out", ".", "`FOLDER` for the file")
	flag.StringVar(&m.program, "program", "", "`FILE` of arc4 to take for every architecture, instead of building it")
	arches := flag.String("arch", "amd64", "`ARCHITECTURES` of the image, with commas, or all: "+strings.Join(architectures(), ", "))
	flag.Parse()
	file, err := m.run(strings.FieldsFunc(*arches, func(r rune) bool { return r == ',' || r == ' ' }))
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Println(file)
}
