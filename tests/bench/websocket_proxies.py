"""nginx and HAProxy as WebSocket proxies: one worker, no logs."""

from __future__ import annotations

import subprocess
from pathlib import Path

NGINX = """
daemon off; master_process off; worker_processes 1;
pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_read_timeout 1h;
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend wallboxes
  bind 127.0.0.1:{port}
  default_backend upstream
backend upstream
  server upstream 127.0.0.1:{upstream}
"""


def start_nginx(folder: Path, port: int, upstream: int) -> subprocess.Popen[bytes]:
    """nginx as one process."""
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    return subprocess.Popen(["/usr/sbin/nginx", "-c", str(file), "-p", str(folder)])


def start_haproxy(folder: Path, port: int, upstream: int) -> subprocess.Popen[bytes]:
    """HAProxy with one thread."""
    file = folder / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=port, upstream=upstream))
    return subprocess.Popen(["/usr/sbin/haproxy", "-f", str(file), "-q"])


def version_of(program: str) -> str:
    """What the program calls itself, for the conditions line."""
    command = {"nginx": ["/usr/sbin/nginx", "-v"], "haproxy": ["/usr/sbin/haproxy", "-v"]}[program]
    said = subprocess.run(command, capture_output=True, text=True)
    words = (said.stdout + said.stderr).split()
    return next(word.removeprefix("nginx/") for word in words if word[-1].isdigit() and "." in word)
