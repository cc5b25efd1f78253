//go:build linux && (mips || mipsle || mips64 || mips64le)

// own_mipsx.go declares a function of the runtime, which has no body there.
