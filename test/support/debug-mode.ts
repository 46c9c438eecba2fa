/** Loaded by mocha before any test: memory accesses are checked, in this process and in every worker and process that it starts. */

process.env['UMBRA_DEBUG'] ??= '1';
