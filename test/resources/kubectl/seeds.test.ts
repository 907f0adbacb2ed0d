import { describeSeeds } from '../../real/kubectl/seed-stories.ts'

describeSeeds()
