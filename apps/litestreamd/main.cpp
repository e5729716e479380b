#include "common/Daemon.h"
#include "config/Config.h"
#include "util/Log.h"
#include "util/Paths.h"

#include <litestream/Error.h>

#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/Logger.h>
#include <Poco/Util/HelpFormatter.h>
#include <Poco/Util/Option.h>
#include <Poco/Util/OptionCallback.h>
#include <Poco/Util/OptionSet.h>
#include <Poco/Util/ServerApplication.h>
#include <iostream>

namespace {

using namespace litestream;
using Poco::Util::Option;
using Poco::Util::OptionCallback;

/// litestreamd, the service. Poco brings --daemon, --pidfile and --umask; the work is app::runDaemon.
class Litestreamd : public Poco::Util::ServerApplication {
protected:
    void defineOptions(Poco::Util::OptionSet& options) override {
        ServerApplication::defineOptions(options);
        options.addOption(Option("config", "c", "configuration file; default " + config::defaultFile().string())
                              .argument("FILE")
                              .callback(OptionCallback<Litestreamd>(this, &Litestreamd::setConfig)));
        options.addOption(Option("no-expand-env", "", "leave $NAME in litestream.yml as it is")
                              .callback(OptionCallback<Litestreamd>(this, &Litestreamd::keepReferences)));
        options.addOption(
            Option("help", "h", "show this text").callback(OptionCallback<Litestreamd>(this, &Litestreamd::showHelp)));
        options.addOption(Option("version", "v", "show the version")
                              .callback(OptionCallback<Litestreamd>(this, &Litestreamd::showVersion)));
    }

    int main(const std::vector<std::string>& arguments) override {
        if (done_) return EXIT_OK;
        if (!arguments.empty())
            return refuse("unexpected argument \"" + arguments.front() + "\". Try litestreamd --help", EXIT_USAGE);
        try {
            return serve();
        } catch (const std::exception& error) {
            return refuse(error.what(), EXIT_SOFTWARE);
        }
    }

private:
    int serve() {
        config::Config config = config::readFile(configFile_, readOptions_);
        app::configureLog(config.logging);
        log::info("litestream", {{"version", app::version()}});
        app::logWarnings(config.warnings);
        app::runDaemon([&] { return app::prepare(std::move(config)); });
        return EXIT_OK;
    }

    /// Read now: the working directory changes when the process becomes a daemon.
    void setConfig(const std::string&, const std::string& value) { configFile_ = expandPath(value); }

    void keepReferences(const std::string&, const std::string&) { readOptions_.expandEnv = false; }

    void showHelp(const std::string&, const std::string&) {
        Poco::Util::HelpFormatter formatter(options());
        formatter.setCommand("litestreamd");
        formatter.setUsage("[OPTIONS]");
        formatter.setHeader("Follows the SQLite databases of a configuration and keeps their replicas current.");
        formatter.format(std::cout);
        endWithoutWork();
    }

    void showVersion(const std::string&, const std::string&) {
        std::cout << app::version() << std::endl;
        endWithoutWork();
    }

    void endWithoutWork() {
        done_ = true;
        stopOptionsProcessing();
    }

    static int refuse(const std::string& text, int exitCode) {
        std::cerr << "Error: " << text << std::endl;
        return exitCode;
    }

    std::filesystem::path configFile_ = config::defaultFile();
    config::ReadOptions readOptions_;
    bool done_ = false;
};

}  // namespace

int main(int argc, char** argv) {
    app::adoptCredentials();
    Poco::AutoPtr<Poco::ConsoleChannel> console(new Poco::ConsoleChannel(std::cerr));
    Poco::Logger::root().setChannel(console);  // a wrong option is told by Poco's own logger
    return Litestreamd().run(argc, argv);
}
