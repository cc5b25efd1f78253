//go:build 386 || amd64 || arm64

package speed

import "github.com/klauspost/cpuid/v2"

// askProcessor is what the processor says of itself.
func askProcessor() (brand string, features []string) {
	return squeeze(cpuid.CPU.BrandName), cpuid.CPU.FeatureSet()
}
