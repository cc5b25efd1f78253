//go:build !(arm64 || loong64 || mips64 || mips64le || ppc64 || ppc64le || riscv64)

package generic

// width is how many lanes the registers are enough for.
const width = 3
