#include "app/run_options.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "app/version.hpp"

namespace tandem::app {
namespace {

namespace fs = std::filesystem;

class Run : public testing::Test {
 protected:
  Run() {
    std::string pattern = (fs::temp_directory_path() / "tandem-run-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    directory_ = pattern;
  }
  ~Run() override { fs::remove_all(directory_); }

  Result<RunCommand> read(std::vector<std::string> words) {
    CLI::App app("", "run");
    TypedRun typed;
    declare_run_options(app, typed);
    std::reverse(words.begin(), words.end());
    try {
      app.parse(words);
    } catch (const CLI::ParseError& error) {
      return Error(error.what());
    }
    if (const auto unknown = unknown_run_option(app)) return Error(*unknown);
    return make_run_command(
        typed,
        [this](std::string_view name) -> std::optional<std::string> {
          const auto found = environment_.find(std::string(name));
          return found == environment_.end() ? std::nullopt : std::optional(found->second);
        },
        directory_);
  }

  RunCommand command(std::vector<std::string> words) {
    words.insert(words.begin(), "shop.main:app");
    auto read = this->read(std::move(words));
    EXPECT_TRUE(read) << read.error().message;
    return read ? std::move(*read) : RunCommand();
  }
  pool::PoolOptions pool(std::vector<std::string> words) { return command(std::move(words)).config.pools.begin()->second; }

  std::string refusal(std::vector<std::string> words) {
    const auto read = this->read(std::move(words));
    EXPECT_FALSE(read);
    return read ? "" : read.error().message;
  }

  // Where it listens, joined by spaces.
  std::string listening(std::vector<std::string> words) {
    std::string all;
    for (const auto& listen : command(std::move(words)).config.listen)
      all +=
          (all.empty() ? "" : " ") + (listen.path.empty() ? listen.host + "|" + std::to_string(listen.port) : listen.path);
    return all;
  }

  void write(const std::string& name, const std::string& text) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
  }

  fs::path directory_;
  std::map<std::string, std::string> environment_;
};

TEST_F(Run, HasTheDefaultsPeopleKnow) {
  const auto run = command({});
  ASSERT_EQ(run.config.listen.size(), 1u);
  EXPECT_EQ(run.config.listen[0].text, "127.0.0.1:8000");
  EXPECT_FALSE(run.config.admin.listen);
  EXPECT_EQ(run.config.net.limits.body_bytes, UINT64_MAX);
  EXPECT_EQ(run.config.trusted_proxies, (std::vector<std::string>{"127.0.0.1", "::1", "unix"}));
  EXPECT_TRUE(run.config.log.access);
  EXPECT_EQ(run.config.threads, 1u);
  EXPECT_FALSE(run.watch);
  EXPECT_TRUE(run.warnings.empty());
  ASSERT_EQ(run.config.pools.size(), 1u);
  const auto& pool = run.config.pools.at("app");
  EXPECT_EQ(pool.workers, 1u);
  EXPECT_EQ(pool.timeout, pool::kNoTimeout);
  EXPECT_EQ(pool.path, std::vector<std::string>{directory_.string()});
  EXPECT_FALSE(pool.home);
  ASSERT_EQ(pool.endpoints.size(), 1u);
  EXPECT_EQ(pool.endpoints[0].target, "shop.main:app");
  EXPECT_EQ(pool.endpoints[0].kind, "application");
  EXPECT_TRUE(pool.endpoints[0].stream);
  ASSERT_EQ(run.config.routes.size(), 1u);
  EXPECT_EQ(run.config.routes[0].path, "/*");
}

TEST_F(Run, SaysWhereToListenInManyWays) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--listen", "0.0.0.0:80"}, "0.0.0.0|80"},
      {{"-b", "127.0.0.1:1", "--bind", "unix:/run/a.sock"}, "127.0.0.1|1 /run/a.sock"},
      {{"-b", ":9000"}, "0.0.0.0|9000"},
      {{"-b", "127.0.0.2"}, "127.0.0.2|8000"},
      {{"-b", "[::1]"}, "::1|8000"},
      {{"-b", "unix:///run/a.sock"}, "/run/a.sock"},
      {{"--host", "0.0.0.0"}, "0.0.0.0|8000"},
      {{"--host", "::"}, "::|8000"},
      {{"--host", "[::1]", "--port", "1"}, "::1|1"},
      {{"--host=localhost", "--port=0"}, "localhost|0"},
      {{"--port", "81"}, "127.0.0.1|81"},
      {{"--uds", "/tmp/x"}, "/tmp/x"},
  };
  for (const auto& [words, expected] : cases) EXPECT_EQ(listening(words), expected);
}

TEST_F(Run, TakesTheOptionsOfBothServers) {
  write("lib/x.py", "");
  const auto shop = pool({"-w", "3", "--threads", "8", "--max-requests", "100", "--max-requests-jitter", "10", "-t", "60",
                          "--lifespan", "off", "--user", "root", "--name", "shop", "--pythonpath", "lib,/opt/lib"});
  EXPECT_EQ(shop.name, "shop");
  EXPECT_EQ(shop.workers, 3u);
  EXPECT_EQ(shop.threads, 8u);
  EXPECT_EQ(shop.max_requests, 100u);
  EXPECT_EQ(shop.max_requests_jitter, 10u);
  EXPECT_EQ(shop.timeout, Milliseconds(60'000));
  EXPECT_EQ(shop.lifespan, "off");
  EXPECT_EQ(shop.user, "root");
  EXPECT_EQ(shop.path, (std::vector<std::string>{directory_.string(), (directory_ / "lib").string(), "/opt/lib"}));
  EXPECT_EQ(pool({"--limit-max-requests", "7"}).max_requests, 7u);
  EXPECT_EQ(pool({"--timeout", "0"}).timeout, pool::kNoTimeout);
  EXPECT_EQ(pool({"--timeout", "250ms"}).timeout, Milliseconds(250));
  EXPECT_EQ(pool({"--timeout", "2.5"}).timeout, Milliseconds(2500));

  const auto run = command({"--workers=2", "--limit-concurrency", "50", "--timeout-keep-alive", "5", "--graceful-timeout",
                            "7", "--log-level", "warning", "--no-access-log", "--io-threads", "4", "--admin", "127.0.0.1:0",
                            "--no-proxy-headers"});
  EXPECT_EQ(run.config.net.limits.connections, 100u);
  EXPECT_EQ(run.config.net.limits.idle_timeout, Milliseconds(5000));
  EXPECT_EQ(run.config.net.limits.drain_timeout, Milliseconds(7000));
  EXPECT_EQ(run.config.log.level, "warn");
  EXPECT_FALSE(run.config.log.access);
  EXPECT_EQ(run.config.threads, 4u);
  EXPECT_TRUE(run.config.admin.listen);
  EXPECT_TRUE(run.config.trusted_proxies.empty());
  EXPECT_EQ(pool({}).threads, 4u);
  EXPECT_EQ(pool({"--interface", "asgi"}).threads, 1u);
  const auto websocket = command({"--ws-max-size", "1000", "--ws-ping-interval", "0", "--ws-ping-timeout", "5",
                                  "--ws-per-message-deflate", "false"})
                             .config.net.websocket;
  EXPECT_EQ(websocket.max_message, 1000u);
  EXPECT_EQ(websocket.ping_interval, Milliseconds(0));
  EXPECT_EQ(websocket.ping_timeout, Milliseconds(5000));
  EXPECT_FALSE(websocket.compression);
  EXPECT_EQ(command({"--timeout-graceful-shutdown", "1"}).config.net.limits.drain_timeout, Milliseconds(1000));
  EXPECT_EQ(command({"--log-level", "INFO"}).config.log.level, "info");
  EXPECT_EQ(command({"--forwarded-allow-ips", "10.0.0.0/8, ::1"}).config.trusted_proxies,
            (std::vector<std::string>{"10.0.0.0/8", "::1"}));
  EXPECT_EQ(command({"--forwarded-allow-ips=*"}).config.trusted_proxies,
            (std::vector<std::string>{"0.0.0.0/0", "::/0", "unix"}));
}

TEST_F(Run, NamesTheApplication) {
  const auto target = [&](std::vector<std::string> words) {
    const auto read = this->read(std::move(words));
    EXPECT_TRUE(read) << read.error().message;
    if (!read) return std::string();
    const auto& endpoint = (*read).config.pools.at("app").endpoints.at(0);
    return endpoint.kind + " " + endpoint.target + " " + endpoint.root_path;
  };
  EXPECT_EQ(target({"shop"}), "application shop ");
  EXPECT_EQ(target({"shop:make()"}), "application shop:make() ");
  EXPECT_EQ(target({"--factory", "shop:make"}), "application shop:make() ");
  EXPECT_EQ(target({"--interface", "wsgi", "shop:app"}), "wsgi shop:app ");
  EXPECT_EQ(target({"--interface", "asgi3", "shop:app"}), "asgi shop:app ");
  EXPECT_EQ(target({"--interface", "auto", "shop:app", "--root-path", "/api"}), "application shop:app /api");
}

TEST_F(Run, FindsDirectories) {
  write("src/shop.py", "");
  write("other/src/shop.py", "");
  EXPECT_EQ(pool({"--app-dir", "src"}).path.front(), (directory_ / "src").string());
  EXPECT_EQ(pool({"--app-dir", "src/"}).path.front(), (directory_ / "src").string());
  const auto elsewhere = command({"--chdir", "other", "--app-dir", "src"});
  EXPECT_EQ(elsewhere.directory, (directory_ / "other").string());
  EXPECT_EQ(elsewhere.config.pools.at("app").path.front(), (directory_ / "other/src").string());
  environment_["PYTHONPATH"] = "/a:b:";
  EXPECT_EQ(pool({}).path, (std::vector<std::string>{directory_.string(), "/a", (directory_ / "b").string()}));
}

TEST_F(Run, TakesTheVirtualEnvironmentThatIsActive) {
  const auto python = build_facts().python;
  const auto version = python.substr(0, python.find('.', python.find('.') + 1));
  write("venv/bin/python3", "");
  write("venv/pyvenv.cfg", "");
  write("venv/lib/python" + version + "/x", "");
  write("old/bin/python3", "");
  write("old/pyvenv.cfg", "");
  write("old/lib/python2.7/x", "");
  EXPECT_EQ(pool({"--home", "venv"}).home, (directory_ / "venv").string());
  environment_["VIRTUAL_ENV"] = (directory_ / "venv").string();
  EXPECT_EQ(pool({}).home, (directory_ / "venv").string());
  environment_["VIRTUAL_ENV"] = (directory_ / "old").string();
  const auto run = command({});
  EXPECT_FALSE(run.config.pools.at("app").home);
  ASSERT_EQ(run.warnings.size(), 1u);
  EXPECT_NE(run.warnings[0].find("was made for another Python than " + version), std::string::npos) << run.warnings[0];
  EXPECT_NE(refusal({"m:a", "--home", "old"}).find("--home: the virtual environment"), std::string::npos);
  EXPECT_NE(refusal({"m:a", "--home", "none"}).find("is no virtual environment"), std::string::npos);
}

TEST_F(Run, ReadsVariables) {
  write(".env", "A=file\nB=file\nC=\"${HOME}\"\n");
  environment_["HOME"] = "/home/ada";
  environment_["B"] = "already there";
  const auto variables = pool({"--env-file", ".env", "-e", "A=line", "--env", "D=x=y"}).environment;
  EXPECT_EQ(variables, (std::map<std::string, std::string>{{"A", "line"}, {"C", "/home/ada"}, {"D", "x=y"}}));
  environment_["WEB_CONCURRENCY"] = "4";
  environment_["FORWARDED_ALLOW_IPS"] = "192.0.2.1";
  EXPECT_EQ(pool({}).workers, 4u);
  EXPECT_EQ(pool({"-w", "2"}).workers, 2u);
  EXPECT_EQ(command({}).config.trusted_proxies, std::vector<std::string>{"192.0.2.1"});
}

TEST_F(Run, WatchesForReload) {
  write("src/shop.py", "");
  const auto run = command({"--reload", "--app-dir", "src"});
  ASSERT_TRUE(run.watch);
  EXPECT_EQ(run.watch->directories, std::vector<std::string>{(directory_ / "src").string()});
  EXPECT_EQ(run.watch->includes, std::vector<std::string>{"*.py"});
  EXPECT_TRUE(run.config.debug);
  EXPECT_EQ(run.config.net.limits.drain_timeout, Milliseconds(2000));
  const auto more = command({"--reload", "--reload-dir", ".", "--reload-dir", "src/", "--reload-include", "*.html",
                             "--reload-exclude", "build", "-w", "2"});
  EXPECT_EQ(more.watch->directories, (std::vector<std::string>{directory_.string(), (directory_ / "src").string()}));
  EXPECT_EQ(more.watch->includes, (std::vector<std::string>{"*.py", "*.html"}));
  EXPECT_EQ(more.watch->excludes, std::vector<std::string>{"build"});
  EXPECT_EQ(command({"--reload-include", "*.html"}).warnings.size(), 1u);
}

TEST_F(Run, PassesOverWhatHasNothingToSayHere) {
  const auto run = command({"-k", "uvicorn.workers.UvicornWorker", "--loop", "uvloop", "--preload", "--no-server-header"});
  ASSERT_EQ(run.warnings.size(), 4u);
  EXPECT_EQ(run.warnings[0].rfind("--loop: uvloop is taken", 0), 0u) << run.warnings[0];
}

TEST_F(Run, SaysWhatIsWrong) {
  write("bad.env", "A=1\n!\n");
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{}, "which application? tandem run module:application"},
      {{"shop.py"}, "did you mean \"shop\"?"},
      {{"./shop/main.py:app"}, "did you mean \"shop.main:app\"?"},
      {{"shop:app:x"}, "expected \"module:application\""},
      {{"shop:app", "other:app"}, "\"other:app\" is a second one"},
      {{"shop:app", "--wrokers", "2"}, "there is no option --wrokers (did you mean \"--workers\"?)"},
      {{"shop:app", "--worker=2"}, "there is no option --worker (did you mean \"--workers\"?)"},
      {{"shop:app", "-w"}, "--workers"},
      {{"shop:app", "-w", "0"}, "--workers: expected a number from 1 to 1024 or auto, got \"0\""},
      {{"shop:app", "--threads", "x"}, "--threads: expected a number from 1 to 256"},
      {{"shop:app", "-t", "-1"}, "--timeout: expected seconds"},
      {{"shop:app", "-t", "nan"}, "--timeout: expected seconds"},
      {{"shop:app", "--port", "99999"}, "--port: expected a port"},
      {{"shop:app", "--host", "example.org"}, "--host: expected a numeric address"},
      {{"shop:app", "--host", "::1", "-b", "[::1]:1"}, "use one"},
      {{"shop:app", "-b", "fd://3"}, "can't be handed over yet"},
      {{"shop:app", "-b", "[::1]:1", "-b", "[::1]:1"}, "given twice"},
      {{"shop:app", "--admin", "0.0.0.0:1"}, "a token needs a config file"},
      {{"shop:app", "--admin", "127.0.0.1:8000"}, "--admin: "},
      {{"shop:app", "--interface", "asgi2"}, "guarantee_single_callable"},
      {{"shop:app", "--interface", "cgi"}, "expected auto, asgi, asgi3 or wsgi"},
      {{"shop:app", "--lifespan", "maybe"}, "expected auto, on or off"},
      {{"shop:app", "--log-level", "wran"}, "did you mean \"warn\"?"},
      {{"shop:app", "--access-logfile", "/var/log/x"}, "--access-logfile: the access log goes where the log goes"},
      {{"shop:app", "--root-path", "api/"}, "--root-path: a root path begins"},
      {{"shop", "--factory"}, "name the factory"},
      {{"shop:app", "--app-dir", "none"}, "--app-dir: the directory \"none\" does not exist"},
      {{"shop:app", "--chdir", "none"}, "--chdir: the directory \"none\" does not exist"},
      {{"shop:app", "--reload", "--reload-dir", "none"}, "--reload-dir: the directory"},
      {{"shop:app", "--env-file", "none"}, "--env-file: \"none\" can't be read"},
      {{"shop:app", "--env-file", "bad.env"}, "--env-file: bad.env: line 2: expected NAME=value"},
      {{"shop:app", "-e", "A"}, "--env: expected NAME=VALUE"},
      {{"shop:app", "--forwarded-allow-ips", "proxy"}, "--forwarded-allow-ips: expected a network"},
      {{"shop:app", "--ws-max-size", "1MiB"}, "--ws-max-size: expected a number"},
      {{"shop:app", "--ws-per-message-deflate", "maybe"}, "expected true or false"},
      {{"shop:app", "--user", "no such one"}, "this machine has no user"},
      {{"shop:app", "-D"}, "--daemon: let systemd"},
      {{"shop:app", "-c", "conf.py"}, "--config: gunicorn's config file is a program"},
      {{"shop:app", "--ssl-keyfile", "k"}, "--ssl-keyfile: TLS is not built yet"},
  };
  for (const auto& [words, expected] : cases) {
    const auto said = refusal(words);
    EXPECT_NE(said.find(expected), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace tandem::app
