//! The `passerelle` binary: hands the arguments to the command-line front and turns its outcome into an exit code.

fn main() -> std::process::ExitCode {
    passerelle::fronts::cli::main()
}
