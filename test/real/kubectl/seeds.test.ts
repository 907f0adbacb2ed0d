import { describeSeeds } from './seed-stories.ts'

describeSeeds()
