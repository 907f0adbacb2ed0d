#!/usr/bin/env node
console.log('serin')
