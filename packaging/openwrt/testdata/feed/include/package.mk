# A double of OpenWrt's package.mk. `make show` prints the variables, `make build` runs the steps of
# the build, and `make into DESTDIR=` installs.
BUILT:=
define BuildPackage
  BUILT+=$(1)
  $(eval $(Package/$(1)))
endef

VARIABLES:=PKG_NAME PKG_VERSION PKG_RELEASE PKG_LICENSE PKG_LICENSE_FILES PKG_BUILD_DEPENDS PKG_BUILD_FLAGS GO_PKG GO_PKG_BUILD_PKG GO_PKG_INSTALL_BIN_PATH \
	GO_PKG_TAGS GO_PKG_LDFLAGS GO_PKG_LDFLAGS_X SECTION CATEGORY SUBMENU TITLE URL DEPENDS BUILT ARCH
show:
	@$(foreach v,$(VARIABLES),echo '$(v)=$(strip $($(v)))';)
	@echo 'conffiles=$(strip $(Package/arc4/conffiles))'
into:
	@$(call Package/arc4/install,$(DESTDIR))
build:
	@$(call Build/Compile)
