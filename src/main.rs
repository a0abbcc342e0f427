//! The `passerelle` binary: hands the arguments to the command-line front.

fn main() -> std::process::ExitCode {
    passerelle::fronts::cli::main()
}
