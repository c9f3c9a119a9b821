import { Activity } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/runs', label: msg('Runs'), icon: Activity, order: 30, onPhone: true, key: 'r' },
  routes: [
    { path: '/runs', load: () => import('./index') },
    { path: '/runs/$runId', load: () => import('./Detail') },
  ],
});
