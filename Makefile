# Every task of the repository; `make help` lists them. Two are all a newcomer needs: demo, test.
PYTHON ?= python3
OWNER ?= ev-home-apps
REPO ?= ev-home-apps
BASE ?= standin
export OWNER REPO BASE

RUN = PYTHONPATH=. PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m

.PHONY: help demo home test test-long lint lock assets icons owner images bench soak version copies clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: ## the apps with simulated car, wallbox and sun; FOR=60 ends by itself
	@$(RUN) tests.demo $(if $(FOR),--seconds $(FOR))

home: ## the apps in a real Home Assistant on this machine (root); FOR=60 ends by itself
	@$(RUN) tests.demo.home $(if $(FOR),--seconds $(FOR)) $(APP)

test: ## everything: lint, types, unit, service and container tests
	@$(RUN) tests.run

test-long: ## the same with many more cases, and in minimal Debian trees
	@$(RUN) tests.run --long

lint: ## style and types only
	@$(RUN) tests.run environments lint types

lock: ## write each app's requirements.txt: exact versions with hashes
	@$(RUN) tests.tools.lock $(APP)

assets: ## fetch the front-end libraries of the apps that have any
	@$(RUN) tests.tools.assets

icons: ## render icon.png and logo.png of each app from its SVG
	@$(RUN) tests.tools.icons $(APP)

owner: ## write OWNER and REPO wherever they stand
	@$(RUN) tests.tools.owner

images: ## build the apps' images (root); BASE=real on the real base image
	@$(RUN) tests.tools.images $(APP)

bench: ## speed side by side with others; writes the tables in DOCS.md
	@$(RUN) tests.bench $(APP)

soak: ## begins to work once all four apps are finished
	@$(RUN) tests.tools.later soak "all four apps are finished"

version: ## APP=ocpp_proxy VERSION=0.2.0: raise an app's version everywhere
	@$(RUN) tests.tools.version $(APP) $(VERSION)

copies: ## spread the modules that are the same text in every app
	@$(RUN) tests.tools.copies

clean: ## remove what tests and demo left: containers, networks, caches
	@$(RUN) tests.tools.clean
