package main

import (
	"archive/tar"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// docker is an image in manifest.json, by which Docker knows what it loads (docker save writes the
// same beside an OCI layout).
type docker struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// write writes the images as an OCI layout, which is Docker's archive too. Images for several
// platforms are one, of which whoever loads it takes its own; for a Docker without that, each has a
// tag that ends with its platform.
func (m *making) write(to, work string, list []v1.Platform, images []v1.Image) error {
	reference := name + ":" + m.version
	annotations := map[string]string{"org.opencontainers.image.ref.name": m.version, "io.containerd.image.name": reference}
	all := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var known []docker
	for i, image := range images {
		d := v1.Descriptor{Platform: &list[i]}
		tag := reference
		if len(images) == 1 {
			d.Annotations = annotations
		} else {
			tag += "-" + list[i].Architecture
		}
		all = mutate.AppendManifests(all, mutate.IndexAddendum{Add: image, Descriptor: d})
		k, err := forDocker(image, tag)
		if err != nil {
			return err
		}
		known = append(known, k)
	}
	if len(images) > 1 {
		all = mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
			mutate.IndexAddendum{Add: all, Descriptor: v1.Descriptor{Annotations: annotations}})
	}
	dir := filepath.Join(work, "layout")
	if _, err := layout.Write(dir, all); err != nil {
		return err
	}
	text, err := json.Marshal(known)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), text, 0o644); err != nil {
		return err
	}
	return m.tar(to, dir)
}

// forDocker is what Docker is told of an image.
func forDocker(image v1.Image, tag string) (docker, error) {
	d := docker{RepoTags: []string{tag}}
	config, err := image.ConfigName()
	if err != nil {
		return d, err
	}
	d.Config = blob(config)
	layers, err := image.Layers()
	if err != nil {
		return d, err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return d, err
		}
		d.Layers = append(d.Layers, blob(digest))
	}
	return d, nil
}

// blob is where a layout has it.
func blob(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }

// tar packs a folder, in the order of names and as old as the commit.
func (m *making) tar(to, dir string) error {
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	w := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: m.epoch})
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size(), ModTime: m.epoch}); err != nil {
			return err
		}
		_, err = io.Copy(w, f)
		return err
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Close()
}
