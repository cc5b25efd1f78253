# A double of golang-package.mk: what it would run is written, and what it installs is empty.
GO_ARCH_DEPENDS:=@GO
GO_ARCH:=$(patsubst mipsel,mipsle,$(patsubst aarch64,arm64,$(ARCH)))
GO_GENERAL_BUILD_CONFIG_VARS:=
GO_BIN_PATH=PATH=$(PATH)
Build/Compile=$(call GoPackage/Build/Compile)
define GoPackage/Build/Compile
	echo compile $(1)
endef
define GoPackage/Package/Install/Bin
	install -d $(1)$(GO_PKG_INSTALL_BIN_PATH)
	install -m0755 /dev/null $(1)$(GO_PKG_INSTALL_BIN_PATH)/arc4
endef
define GoBinPackage
  ifndef Package/$(1)/install
    Package/$(1)/install=$$(call GoPackage/Package/Install/Bin,$$(1))
  endif
endef
