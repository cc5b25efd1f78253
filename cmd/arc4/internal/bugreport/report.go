package bugreport

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// File is one of a report.
type File struct {
	Name string
	Data []byte
	// Tells says in words what the file tells about who made the report; empty: nothing.
	Tells string
	// Binary is a file that secrets cannot be taken out of; one that has some is left out.
	Binary bool
}

// Report is what there is, and what could not be had.
type Report struct {
	Files   []File
	Missing []string
}

// Add adds a file with a text; what cannot be had is noted instead.
func (r *Report) Add(name, tells string, data []byte, err error) {
	switch {
	case err != nil:
		r.Miss(name, err)
	case len(data) > 0:
		r.Files = append(r.Files, File{Name: name, Data: data, Tells: tells})
	}
}

// Miss notes what could not be had, and why.
func (r *Report) Miss(name string, why error) {
	r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", name, why))
}

// Clean takes the secrets out of everything, and with a not nil who and where too. It adds the file
// that says what is missing.
func (r *Report) Clean(s *Secrets, a *Anonymizer) {
	var files []File
	for _, f := range r.Files {
		clean := s.Hide(f.Data)
		switch {
		case f.Binary && !bytes.Equal(clean, f.Data):
			r.Miss(f.Name, fmt.Errorf("there is a secret in it"))
			continue
		case f.Binary && a != nil:
			r.Miss(f.Name, fmt.Errorf("it has addresses, which --anonymize cannot take out of it"))
			continue
		case a != nil:
			clean, f.Tells = a.Hide(clean), ""
		}
		f.Data = clean
		files = append(files, f)
	}
	r.Files = files
	if len(r.Missing) > 0 {
		text := s.Hide([]byte(strings.Join(r.Missing, "\n") + "\n"))
		if a != nil {
			text = a.Hide(text)
		}
		r.Files = append(r.Files, File{Name: "missing.txt", Data: text})
	}
	slices.SortFunc(r.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
}

// Size is how many bytes the files have.
func (r *Report) Size() (n int) {
	for _, f := range r.Files {
		n += len(f.Data)
	}
	return n
}

// Write writes the archive, whose files lie in a folder.
func (r *Report) Write(w io.Writer, folder string, at time.Time) error {
	packed := gzip.NewWriter(w)
	archive := tar.NewWriter(packed)
	for _, f := range r.Files {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path.Join(folder, f.Name), Mode: 0o600, Size: int64(len(f.Data)), ModTime: at}); err != nil {
			return err
		}
		if _, err := archive.Write(f.Data); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return packed.Close()
}
