package main

import (
	"fmt"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image makes that of a platform, with the files and the accounts.
func (m *making) image(p v1.Platform, files []file) (v1.Image, error) {
	l, err := layer(slices.Concat(accounts(), files), m.epoch)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:     l,
		History:   v1.History{Created: v1.Time{Time: m.epoch}, CreatedBy: "make image", Comment: "arc4 " + m.version},
		MediaType: types.OCILayer,
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created = v1.Time{Time: m.epoch}
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.Config = m.config()
	return mutate.ConfigFile(image, config)
}

// config says how the program is run.
func (m *making) config() v1.Config {
	return v1.Config{
		User:       fmt.Sprintf("%d:%d", user, user),
		Env:        []string{"PATH=/usr/bin"},
		Entrypoint: []string{"arc4"},
		Cmd:        []string{"connect"},
		WorkingDir: "/",
		StopSignal: "SIGTERM",
		Labels:     m.labels(),
		// OCI has no field for this; Docker has, and those who load its archives.
		Healthcheck: &v1.HealthConfig{
			Test:     []string{"CMD", "/usr/bin/arc4", "status", "--check"},
			Interval: 30 * time.Second, Timeout: 10 * time.Second, StartPeriod: 30 * time.Second, Retries: 3,
		},
	}
}

// labels are those that the image format has names for.
func (m *making) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "arc4",
		prefix + "description": "PPTP client and server in userspace",
		prefix + "version":     m.version,
		prefix + "created":     m.epoch.Format(time.RFC3339),
		prefix + "source":      "https://github.com/arc4tun/arc4tun",
		prefix + "licenses":    "MIT",
	}
}
